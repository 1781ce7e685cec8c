//! The whole corridor over real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use tower_upstream::{ErrorKind, NextUpstream, Server, Trail, Upstream};

/// A server that answers every connection's requests with the given raw replies, one each, and then
/// closes it.
fn peer(replies: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                for reply in replies {
                    let mut seen = Vec::new();
                    let mut byte = [0];
                    while !seen.ends_with(b"\r\n\r\n") {
                        match stream.read(&mut byte) {
                            Ok(1) => seen.push(byte[0]),
                            _ => return,
                        }
                    }
                    stream.write_all(reply.as_bytes()).unwrap();
                }
                let mut byte = [0];
                let _ = stream.read(&mut byte);
            });
        }
    });
    address
}

fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn get(path: &str) -> http::Request<Empty<Bytes>> {
    http::Request::get(path).body(Empty::new()).unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_refused_request_goes_to_the_next_peer() {
    let upstream = Upstream::builder()
        .server(Server::new(refusing().to_string()))
        .server(Server::new(peer(&[OK]).to_string()))
        .build()
        .unwrap();
    let trail = Trail::new();
    let mut request = get("/orders");
    request.extensions_mut().insert(trail.clone());
    let reply = upstream.send(request).await.unwrap();
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "ok");
    let statuses: Vec<_> = trail.attempts().iter().map(|a| a.status).collect();
    assert_eq!(statuses, [Some(502), Some(200)]);
    assert!(
        upstream
            .group()
            .snapshot()
            .iter()
            .all(|peer| peer.state.in_flight == 0)
    );
}

#[tokio::test]
async fn a_kept_connection_serves_again() {
    let upstream = Upstream::builder()
        .server(Server::new(peer(&[OK, OK, OK]).to_string()))
        .keepalive(4)
        .build()
        .unwrap();
    for _ in 0..3 {
        let reply = upstream.send(get("/")).await.unwrap();
        assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "ok");
        assert_eq!(upstream.group().idle_connections(), 1);
    }
}

#[tokio::test]
async fn a_body_is_sent_again() {
    let upstream = Upstream::builder()
        .server(Server::new(
            peer(&["HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"]).to_string(),
        ))
        .server(Server::new(peer(&[OK]).to_string()))
        .next_upstream(NextUpstream::HTTP_500)
        .build()
        .unwrap();
    let request = http::Request::put("/")
        .body(Full::new(Bytes::from("hello")))
        .unwrap();
    let reply = upstream.send(request).await.unwrap();
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn a_silent_peer_times_out() {
    let upstream = Upstream::builder()
        .server(Server::new(peer(&[""]).to_string()))
        .read_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = upstream.send(get("/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.status(), 504);
}
