//! WebSocket-like tunnels.

use std::net::{Shutdown, SocketAddr};
use std::time::Instant;

use super::rig::{Server, Wire, backend, header, status};

/// A backend that switches protocols and sends everything back in capitals.
fn shouting() -> SocketAddr {
    backend(|mut wire| {
        let Some(head) = wire.try_head() else { return };
        if header(&head, "upgrade") != Some("shout") {
            return wire.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
        wire.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: upgrade\r\n\r\nHI\n",
        );
        let mut part = [0; 1024];
        while let Ok(length @ 1..) = std::io::Read::read(&mut wire.0, &mut part) {
            wire.send(part[..length].to_ascii_uppercase());
        }
    })
}

fn server() -> Server {
    Server::gateway(&format!(
        "log_format f '$request $status $upstream_status'; access_log access.log f;
         server {{ listen @FRONT; location / {{ proxy_pass http://{}; proxy_http_version 1.1;
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
         proxy_read_timeout 500ms; }} }}",
        shouting()
    ))
}

fn open(server: &Server, early: &str) -> Wire {
    let mut wire = server.connect();
    wire.send(format!(
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: shout\r\nConnection: upgrade\r\n\r\n{early}"
    ));
    let head = wire.until("\r\n\r\n");
    assert_eq!(status(&head), 101, "{head}");
    assert_eq!(header(&head, "upgrade"), Some("shout"));
    assert_eq!(header(&head, "connection"), Some("upgrade"));
    assert_eq!(wire.until("\n"), "HI\n");
    wire
}

#[test]
fn bytes_go_both_ways_and_the_client_ends_it() {
    let server = server();
    let mut wire = open(&server, "");
    for word in ["hello", "again"] {
        wire.send(format!("{word}\n"));
        assert_eq!(wire.until("\n"), format!("{}\n", word.to_uppercase()));
    }
    wire.0.shutdown(Shutdown::Write).unwrap();
    assert!(wire.is_closed());
    server.wait_for("access.log", "GET /ws HTTP/1.1 101 101");
}

#[test]
fn what_came_with_the_request_is_not_lost() {
    let server = server();
    let mut wire = open(&server, "early\n");
    assert_eq!(wire.until("\n"), "EARLY\n");
}

#[test]
fn a_silent_tunnel_is_closed_after_the_read_timeout() {
    let server = server();
    let mut wire = open(&server, "");
    let start = Instant::now();
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_millis(250));
        wire.send("x\n");
        wire.until("X\n");
    }
    assert!(wire.is_closed());
    let lived = start.elapsed().as_millis();
    assert!((1200..4000).contains(&lived), "closed after {lived} ms");
}

#[test]
fn a_tunnel_nobody_asked_for_is_refused() {
    let back = super::rig::answering(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    );
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; location / {{ proxy_pass http://{back}; }} }}"
    ));
    let text = server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&text), 502, "{text}");
}
