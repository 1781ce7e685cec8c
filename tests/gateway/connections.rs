//! Keeping, closing and limiting connections.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::rig::{Server, Wire, answering, echo, free, header};

const SERVER: &str = "access_log off; server { listen @FRONT; keepalive_requests 3;
    location / { return 200 hello; }
    location /short { keepalive_timeout 300ms 7s; return 200 short; } }";

#[test]
fn a_connection_serves_keepalive_requests_and_closes() {
    let server = Server::gateway(SERVER);
    let mut wire = server.connect();
    for connection in ["keep-alive", "keep-alive", "close"] {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (head, body) = wire.response();
        assert_eq!(header(&head, "connection"), Some(connection));
        assert_eq!(body, "hello");
    }
    assert!(wire.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::gateway(SERVER);
    let mut wire = server.connect();
    wire.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.response().1, "short");
    assert_eq!(wire.response().1, "hello");
}

#[test]
fn an_idle_connection_is_closed_after_keepalive_timeout() {
    let server = Server::gateway(SERVER);
    let mut wire = server.connect();
    wire.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    let (head, _) = wire.response();
    assert_eq!(header(&head, "keep-alive"), Some("timeout=7"));
    let start = Instant::now();
    assert!(wire.is_closed());
    let idle = start.elapsed().as_millis();
    assert!((250..2000).contains(&idle), "closed after {idle} ms");
}

#[test]
fn a_head_that_does_not_end_in_time_ends_the_connection_unanswered() {
    let server = Server::gateway(
        "access_log access.log; server { listen @FRONT; client_header_timeout 300ms;
         location / { return 200 hello; } }",
    );
    let mut wire = server.connect();
    wire.send("GET /slow HT");
    assert_eq!(wire.rest(), "");
    server.wait_for("access.log", "\"GET /slow HT\" 408 0");
}

#[test]
fn old_clients_get_a_new_status_line_and_a_closed_connection() {
    let back = echo();
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; location / {{ proxy_pass http://{back}; }} }}"
    ));
    let text = server.ask("GET / HTTP/1.0\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert_eq!(header(&text, "connection"), Some("close"));
}

#[test]
fn names_keep_their_case_both_ways() {
    let back =
        answering("HTTP/1.1 200 OK\r\nX-oDD-NaMe: 1\r\nETag: x\r\nContent-Length: 0\r\n\r\n");
    let mirror = echo();
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT;
         location /back {{ proxy_pass http://{back}; }}
         location /mirror {{ proxy_pass http://{mirror}; proxy_set_header X-rEAL-IP $remote_addr;
           add_header x-oWN 1; add_header X-XSS-Protection 0; }} }}"
    ));
    let text = server.ask("GET /back HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(
        text.contains("\r\nX-oDD-NaMe: 1\r\n") && text.contains("\r\nETag: x\r\n"),
        "{text}"
    );
    let text = server
        .ask("GET /mirror HTTP/1.1\r\nHost: a\r\nx-LIKE-this: 1\r\nConnection: close\r\n\r\n");
    for line in [
        "x-LIKE-this: 1",
        "X-rEAL-IP: 127.0.0.1",
        "x-oWN: 1",
        "X-XSS-Protection: 0",
    ] {
        assert!(
            text.contains(&format!("\r\n{line}\r\n")),
            "no {line} in {text}"
        );
    }
    assert!(text.contains("\r\nServer: tower-upstream\r\n"), "{text}");
}

#[test]
fn sockets_of_all_families_lead_to_their_servers() {
    let wide = free();
    let server = Server::gateway(&format!(
        "access_log off;
         server {{ listen @FRONT; return 200 first; }}
         server {{ listen unix:front.sock; return 200 \"$remote_addr $server_addr\"; }}
         server {{ listen {port}; return 200 wide; }}
         server {{ listen {wide}; return 200 \"narrow $server_port\"; }}",
        port = wide.port()
    ));
    let request = "GET / HTTP/1.0\r\n\r\n";
    assert!(server.ask(request).ends_with("first"));
    let mut wire = Wire::to(wide);
    wire.send(request);
    assert!(wire.rest().ends_with(&format!("narrow {}", wide.port())));
    let mut unix = UnixStream::connect(server.process.path("front.sock")).expect("a connection");
    unix.write_all(request.as_bytes()).expect("to send");
    let mut text = String::new();
    unix.read_to_string(&mut text).expect("an answer");
    assert!(text.ends_with("unix: unix:front.sock"), "{text}");
}
