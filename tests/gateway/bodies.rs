//! Bodies both ways: limits, pauses, and ends that come too early.

use std::io::Read;
use std::net::Shutdown;
use std::time::Duration;

use super::rig::{Server, Wire, backend, header, status};

/// A backend that answers with the number of body bytes it was sent.
fn counting() -> std::net::SocketAddr {
    backend(|mut wire| {
        while let Some(head) = wire.try_head() {
            let length = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
            let mut body = vec![0; length];
            if wire.0.read_exact(&mut body).is_err() {
                return;
            }
            let sum = body.len().to_string();
            wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{sum}",
                sum.len()
            ));
        }
    })
}

fn server(back: std::net::SocketAddr) -> Server {
    Server::gateway(&format!(
        "access_log access.log; client_body_timeout 300ms;
         server {{ listen @FRONT; client_max_body_size 1000;
           location / {{ proxy_pass http://{back}; }}
           location /unbuffered {{ proxy_pass http://{back}; proxy_request_buffering off; }}
           location /again {{ proxy_pass http://127.0.0.1:1; error_page 502 = @other; }}
           location @other {{ proxy_pass http://{back}; }} }}"
    ))
}

#[test]
fn bodies_arrive_whole_whatever_their_framing() {
    let server = server(counting());
    let sized = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    assert!(server.ask(sized).ends_with("\r\n\r\n5"));
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n";
    assert!(server.ask(chunked).ends_with("\r\n\r\n8"));
    let old = chunked.replace("POST /", "POST /unbuffered");
    assert!(
        server.ask(old).ends_with("\r\n\r\n8"),
        "read whole for a peer of HTTP/1.0"
    );
}

#[test]
fn a_body_survives_an_error_page_that_sends_it_on() {
    let server = server(counting());
    let request =
        "POST /again HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let text = server.ask(request);
    assert_eq!(status(&text), 200, "{text}");
    assert!(text.ends_with("\r\n\r\n5"), "{text}");
}

#[test]
fn a_body_too_large_is_refused_when_told_and_when_found_out() {
    let server = server(counting());
    let told = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n";
    assert_eq!(status(&server.ask(told)), 413);
    let found = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1001)
    );
    assert_eq!(status(&server.ask(&found)), 413);
    let unbuffered = found.replace("POST /", "POST /unbuffered");
    assert_eq!(status(&server.ask(unbuffered)), 413);
}

#[test]
fn a_body_that_stalls_ends_the_connection_unanswered() {
    let server = server(counting());
    let text = server.ask("POST /stall HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    assert_eq!(text, "");
    server.wait_for("access.log", "\"POST /stall HTTP/1.1\" 408 0");
}

#[test]
fn an_expectation_is_met_by_the_gateway_itself() {
    let server = server(counting());
    let mut wire = server.connect();
    wire.send(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\
         Expect: 100-continue\r\n\r\n",
    );
    assert_eq!(wire.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("ok");
    assert!(wire.rest().ends_with("\r\n\r\n2"));
}

#[test]
fn what_nobody_reads_is_not_taken_for_the_next_request() {
    let server = Server::gateway(
        "access_log off; server { listen @FRONT; location / { return 200 $request_uri; } }",
    );
    let mut wire = server.connect();
    wire.send("POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.response().1, "/one");
    assert_eq!(wire.response().1, "/two");
    // Not even if it comes late and looks like a head.
    wire.send("POST /three HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n");
    assert_eq!(wire.response().1, "/three");
    wire.send("Content-Length: 1\r\nContent-Length: 2\r\n\r\n");
    wire.send("POST /four HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.response().1, "/four");
}

/// What a client is given when its backend breaks off.
fn broken(response: &'static str) -> String {
    let back = super::rig::answering(response);
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT;
         location / {{ proxy_pass http://{back}; proxy_http_version 1.1; }} }}"
    ));
    server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn a_response_that_breaks_off_reaches_the_client_broken() {
    let text = broken("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    assert_eq!(header(&text, "content-length"), Some("10"));
    assert!(
        text.ends_with("hello") || text.ends_with("hello<reset>"),
        "{text}"
    );
    let text = broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    assert!(text.contains("hello"), "{text}");
    assert!(!text.contains("\r\n0\r\n\r\n"), "{text}");
}

#[test]
fn a_response_that_ends_by_closing_is_whole() {
    let text = broken("HTTP/1.0 200 OK\r\n\r\nhello");
    assert_eq!(header(&text, "transfer-encoding"), Some("chunked"));
    assert!(text.contains("5\r\nhello\r\n0\r\n\r\n"), "{text}");
}

#[test]
fn lengths_of_bodies_that_are_not_sent_are_passed_on() {
    let back =
        super::rig::answering("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: x\r\n\r\n");
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; location / {{ proxy_pass http://{back}; }} }}"
    ));
    let text = server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(header(&text, "content-length"), Some("10"), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "{text}");
}

#[test]
fn work_for_a_client_that_has_gone_is_finished_only_if_asked_for() {
    let (arrived, arrival) = std::sync::mpsc::channel();
    let (told, heard) = std::sync::mpsc::channel();
    let back = backend(move |mut wire| {
        if wire.try_head().is_none() {
            return;
        }
        let _ = arrived.send(());
        let mut part = |bytes: &[u8]| {
            std::thread::sleep(Duration::from_millis(200));
            std::io::Write::write_all(&mut wire.0, bytes).is_ok()
        };
        // Later parts find nobody if the gateway has let go.
        let head = part(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        let alive = head && part(b"do") && part(b"ne");
        let _ = told.send(alive);
    });
    let server = Server::gateway(&format!(
        "log_format f '$request $status $upstream_status $upstream_response_length';
         access_log access.log f; server {{ listen @FRONT;
         location /go {{ proxy_pass http://{back}; }}
         location /stay {{ proxy_pass http://{back}; proxy_ignore_client_abort on; }} }}"
    ));
    let leave = |path: &str| {
        let mut wire: Wire = server.connect();
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        arrival.recv_timeout(super::rig::PATIENCE).unwrap();
        wire.0.shutdown(Shutdown::Both).unwrap();
    };
    leave("/go");
    server.wait_for("access.log", "GET /go HTTP/1.1 499 - 0");
    assert!(!heard.recv_timeout(super::rig::PATIENCE).unwrap());
    leave("/stay");
    server.wait_for("access.log", "GET /stay HTTP/1.1 200 200 4");
    assert!(heard.recv_timeout(super::rig::PATIENCE).unwrap());
}
