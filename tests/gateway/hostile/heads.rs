//! Heads that drip, never end, or are none.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use super::{MIB, Siege, in_threads};
use crate::rig::{PATIENCE, Server, Wire, echo, status};

#[test]
fn heads_that_drip_end_on_time_and_keep_nobody_waiting() {
    const CLIENTS: usize = 200;
    let siege = Siege::new("", "");
    let start = Instant::now();
    let begin = |_| {
        let mut wire = siege.server.connect();
        wire.send("GET /slow HTTP/1.1\r\nX: ");
        wire.0.set_nonblocking(true).expect("not to block");
        wire
    };
    let mut slow: Vec<Wire> = (0..CLIENTS).map(begin).collect();
    while !slow.is_empty() {
        slow.retain_mut(|wire| match wire.0.read(&mut [0]) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => wire.0.write_all(b"x").is_ok(),
            Ok(1..) => panic!("half a head was answered"),
            _ => false,
        });
        siege.serves();
        assert!(start.elapsed() < PATIENCE, "{} are still there", slow.len());
        thread::sleep(Duration::from_millis(20));
    }
    assert!(start.elapsed() > Duration::from_millis(400), "too soon");
    siege.logs("\"GET /slow HTTP/1.1\" 408 0", CLIENTS);
    // A few kilobytes for each.
    siege.ends_within(16 * MIB);
}

/// Sends as much as is taken, and hears the answer out.
fn shout(server: &Server, request: &[u8]) -> String {
    let mut wire = server.connect();
    let _ = wire.0.write_all(request);
    wire.rest()
}

#[test]
fn heads_too_large_and_heads_that_are_none_are_refused_as_by_nginx() {
    let (long, endless) = ("a".repeat(9000), "a".repeat(MIB as usize));
    let many = format!("X: {}\r\n", "x".repeat(1000)).repeat(40);
    let lines = "X: x\r\n".repeat(100_000);
    let get = |rest: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{rest}\r\n\r\n").into_bytes();
    let post = |rest: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}\r\n\r\n").into_bytes();
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec();
    let rows = [
        (
            414,
            format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n").into(),
        ),
        (414, format!("GET /{endless}").into()),
        (400, get(&format!("X: {long}"))),
        (400, get(&format!("X: {endless}"))),
        (400, get(&many)),
        (400, get(&lines)),
        (400, b"\0\0\0\0\r\n\r\n".to_vec()),
        (400, hello),
        (400, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        (505, b"GET / HTTP/3.0\r\nHost: a\r\n\r\n".to_vec()),
        (400, post("Content-Length: -1")),
        (400, post("Content-Length: 99999999999999999999")),
        (400, post("Content-Length: 1\r\nContent-Length: 2")),
        (501, post("Transfer-Encoding: nonsense")),
    ];
    let back = echo();
    let http = format!("location / {{ proxy_pass http://{back}; }}");
    let siege = Siege::new(&http, "");
    let nginx = Server::nginx(&format!(
        "access_log off; server {{ listen @FRONT; {http} }}"
    ));
    for (want, request) in &rows {
        let got = [&siege.server, &nginx].map(|server| status(&shout(server, request)));

        let start = String::from_utf8_lossy(&request[..request.len().min(70)]);
        assert_eq!(got, [*want; 2], "{start:?}");
        siege.serves();
    }
    siege.ends_within(16 * MIB);
}

#[test]
fn no_bytes_at_random_harm_anybody() {
    let back = echo();
    let siege = Siege::new(&format!("location / {{ proxy_pass http://{back}; }}"), "");
    let valid = b"POST /a?b=c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Y: z\r\n\r\n\
                  5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
    in_threads(8, |thread| {
        for number in 0..60 {
            let mut random = fastrand::Rng::with_seed((thread * 1000 + number) as u64);
            let garbage = number % 2 == 0;
            let bytes: Vec<u8> = if garbage {
                let noise = std::iter::repeat_with(|| random.u8(..)).take(300);
                noise.chain(*b"\r\n\r\n").collect()
            } else {
                let mut bytes = valid.to_vec();
                for _ in 0..random.usize(1..4) {
                    let at = random.usize(..bytes.len());
                    match random.u8(..3) {
                        0 => bytes[at] = random.u8(..),
                        1 => bytes.insert(at, random.u8(..)),
                        _ => drop(bytes.remove(at)),
                    }
                }
                bytes
            };
            let mut wire = siege.server.connect();
            let _ = wire.0.write_all(&bytes);
            let _ = wire.0.shutdown(Shutdown::Write);
            let text = wire.rest();
            let shown = String::from_utf8_lossy(&bytes);
            assert!(!text.ends_with("<open>"), "left open by {shown:?}");
            if garbage {
                let refused = text.is_empty() || matches!(status(&text), 400 | 505);
                assert!(refused, "{text:?} to {shown:?}");
            } else {
                let whole = text.is_empty() || text.starts_with("HTTP/1.1 ");
                assert!(
                    whole && !text.starts_with("HTTP/1.1 500"),
                    "{text:?} to {shown:?}"
                );
            }
        }
    });
    siege.ends_within(16 * MIB);
}
