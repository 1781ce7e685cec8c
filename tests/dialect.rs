//! What peers may say on the wire and what becomes of it: the rows in which this crate agrees with
//! NGINX 1.22.1, and those of the guide's parity page in which it does not.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tower_upstream::{ErrorKind, NextUpstream, Server, Upstream};

/// What the caller sees of a reply.
#[derive(Debug, PartialEq)]
enum Seen {
    /// A complete answer.
    Answer(u16, String),
    /// An answer that broke off after these bytes.
    Cut(u16, String),
    /// No answer; it counts against the peer.
    Refused(ErrorKind),
}

fn answer(status: u16, body: &str) -> Seen {
    Seen::Answer(status, body.into())
}

fn cut(status: u16, body: &str) -> Seen {
    Seen::Cut(status, body.into())
}

const INVALID: Seen = Seen::Refused(ErrorKind::InvalidHeader);
const ERROR: Seen = Seen::Refused(ErrorKind::Error);

/// A peer that says `reply` to every request and then sends no more.
fn peer(reply: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut seen, mut byte) = (Vec::new(), [0]);
            while !seen.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                seen.push(byte[0]);
            }
            let _ = stream.write_all(&reply);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut seen);
        }
    });
    address
}

async fn ask(reply: &str) -> Seen {
    let latin1 = reply.chars().map(|c| u8::try_from(u32::from(c)).unwrap());
    let upstream = Upstream::builder()
        .server(Server::new(peer(latin1.collect()).to_string()))
        // Never asked: it is there because the only peer of a group is not counted (MF-2).
        .server(Server::new("127.0.0.1:1").backup())
        .next_upstream(NextUpstream::OFF)
        .keepalive(1)
        .build()
        .unwrap();
    let request = http::Request::get("/").body(Empty::<Bytes>::new()).unwrap();
    let seen = match upstream.send(request).await {
        Err(error) => Seen::Refused(error.kind()),
        Ok(reply) => {
            let (status, mut body) = (reply.status().as_u16(), reply.into_body());
            let (mut text, mut broken) = (String::new(), false);
            while let Some(frame) = body.frame().await {
                match frame.map(|frame| frame.into_data()) {
                    Ok(Ok(data)) => text.push_str(std::str::from_utf8(&data).unwrap()),
                    Ok(Err(_trailers)) => {}
                    Err(_) => broken = true,
                }
            }
            match broken {
                false => Seen::Answer(status, text),
                true => Seen::Cut(status, text),
            }
        }
    };
    let peer = &upstream.group().snapshot()[0].state;
    let refused = matches!(seen, Seen::Refused(_));
    assert_eq!(peer.fails, u32::from(refused), "{reply:?}");
    assert_eq!(peer.in_flight, 0, "{reply:?}");
    seen
}

/// A response with these lines between its status line and the blank one.
fn with(lines: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{body}")
}

const TWO: &str = "Content-Length: 2\r\n\r\nok";

#[tokio::test]
async fn replies_that_are_understood_as_nginx_does() {
    let chunked = "2\r\nok\r\n0\r\n\r\n";
    let table = [
        // RS-1
        (format!("HTTP/1.1 200\r\n{TWO}"), answer(200, "ok")),
        (format!("HTTP/1.1 600 Odd\r\n{TWO}"), answer(600, "ok")),
        (
            format!("HTTP/1.1 200 OK\r\n{TWO}").replace("\r\n", "\n"),
            answer(200, "ok"),
        ),
        (
            with("X: a\u{e9}\r\nContent-Length: 2", "ok"),
            answer(200, "ok"),
        ),
        // RS-3
        (with("X Y: 1\r\nContent-Length: 2", "ok"), INVALID),
        (with("X : 1\r\nContent-Length: 2", "ok"), INVALID),
        (with("X: 1\r\n y\r\nContent-Length: 2", "ok"), INVALID),
        (with(": 1\r\nContent-Length: 2", "ok"), INVALID),
        (with("X\0: 1\r\nContent-Length: 2", "ok"), INVALID),
        (with("X: \0\r\nContent-Length: 2", "ok"), INVALID),
        (with(&format!("X: {}", "a".repeat(5000)), ""), INVALID),
        // NU-2
        (String::new(), ERROR),
        ("HTTP/1.1 200 OK\r\nX: 1\r\n".into(), ERROR),
        // RS-4 as before 1.23.0
        (
            with("Content-Length: 4\r\nTransfer-Encoding: chunked", chunked),
            answer(200, "ok"),
        ),
        (
            with("Content-Length: 2\r\nContent-Length: 2", "ok"),
            answer(200, "ok"),
        ),
        (
            with("Transfer-Encoding: gzip, chunked", chunked),
            answer(200, "ok"),
        ),
        (with("Transfer-Encoding: foo", "ok"), answer(200, "ok")),
        // RS-8, RS-9, RS-10, RS-12
        (with("Content-Length: 9", "ok"), cut(200, "ok")),
        (
            with("Transfer-Encoding: chunked", "zz\r\nok\r\n0\r\n\r\n"),
            cut(200, ""),
        ),
        (with("Content-Length: 2", "okay"), answer(200, "ok")),
        (with("X: 1", "ok"), answer(200, "ok")),
        (
            "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello".into(),
            answer(204, ""),
        ),
        (
            "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n".into(),
            answer(304, ""),
        ),
        (
            "HTTP/1.1 205 Reset\r\nContent-Length: 5\r\n\r\nhello".into(),
            answer(205, "hello"),
        ),
        (
            with("Transfer-Encoding: chunked", "2\r\nok\r\n0\r\nT: 1\r\n\r\n"),
            answer(200, "ok"),
        ),
    ];
    for (reply, expected) in table {
        assert_eq!(ask(&reply).await, expected, "{reply:?}");
    }
}

/// Each row is one of the guide's parity page.
#[tokio::test]
async fn replies_in_which_the_http_library_is_stricter_than_nginx() {
    let many: String = (0..150).map(|i| format!("X-{i}: 1\r\n")).collect();
    let table = [
        // RS-2: NGINX passes the bytes on as an HTTP/0.9 answer.
        ("HELLO WORLD\r\n\r\n".into(), INVALID),
        (format!("HTTP/1.1 2000 OK\r\n{TWO}"), INVALID),
        (format!("http/1.1 200 OK\r\n{TWO}"), INVALID),
        (format!("\r\nHTTP/1.1 200 OK\r\n{TWO}"), answer(200, "ok")),
        // RS-1: NGINX takes any version, any three digits, and lines that are no headers.
        (format!("HTTP/2.0 200 OK\r\n{TWO}"), INVALID),
        (format!("HTTP/1.1 099 Odd\r\n{TWO}"), INVALID),
        (format!("HTTP/1.1  200 OK\r\n{TWO}"), INVALID),
        (with("Nonsense\r\nContent-Length: 2", "ok"), INVALID),
        (with("X(Y): 1\r\nContent-Length: 2", "ok"), INVALID),
        (with("X: a\u{1}b\r\nContent-Length: 2", "ok"), INVALID),
        (with(&format!("{many}Content-Length: 2"), "ok"), INVALID),
        // RS-4 as since 1.23.0: 1.22.1 takes the last length, or reads to the end.
        (
            with("Content-Length: 1\r\nContent-Length: 2", "ok"),
            INVALID,
        ),
        (with("Content-Length: 2x", "ok"), INVALID),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            INVALID,
        ),
        // RS-7: NGINX answers the client with the 100.
        (
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n{TWO}"),
            answer(200, "ok"),
        ),
        (
            format!("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n{TWO}"),
            answer(200, "ok"),
        ),
        // RS-11 as since 1.29.4.
        (
            with("Transfer-Encoding: chunked", "2\nok\n0\n\n"),
            cut(200, ""),
        ),
        // RS-13: NGINX passes what follows on as a body.
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nhello".into(),
            answer(101, ""),
        ),
    ];
    for (reply, expected) in table {
        assert_eq!(ask(&reply).await, expected, "{reply:?}");
    }
}
