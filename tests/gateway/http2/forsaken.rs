//! Clients that stay when there is nothing left to say, and those that go too early.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::client::{runtime, until};
use crate::frames::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, WINDOW_UPDATE, frame,
};
use crate::raw_http2::{H2, get, head, status};
use crate::rig::{PATIENCE, Server, Wire, backend};

/// A peer that says when it is asked, and answers when it is told to.
fn slow() -> (SocketAddr, Receiver<()>, Sender<()>) {
    let (asked, is_asked) = channel();
    let (let_go, told) = channel::<()>();
    let told = Arc::new(Mutex::new(told));
    let back = backend(move |mut wire: Wire| {
        if wire.try_head().is_some() {
            asked.send(()).expect("somebody who listens");
            let _ = told.lock().unwrap().recv_timeout(PATIENCE);
            wire.send("HTTP/1.0 200 OK\r\n\r\ndone");
        }
    });
    (back, is_asked, let_go)
}

fn quit(server: &Server) {
    let pid = server.wait_for("gateway.pid", "\n").trim().to_owned();
    let quit = Command::new("kill").args(["-QUIT", &pid]).status();
    assert!(quit.expect("kill").success());
}

fn gone(server: &Server) {
    let gone = || !server.process.path("gateway.pid").exists();
    runtime().block_on(until("gone", gone));
}

/// Told to go, a client that says nothing holds up no worker.
#[test]
fn a_worker_goes_before_its_silent_clients() {
    let server = Server::gateway("access_log off; server { listen @FRONT http2; return 200; }");
    let mut client = H2::to(server.front);
    client.wire.send(get(1, "/"));
    client.next().expect("an answer");
    quit(&server);
    gone(&server);
}

/// A connection that has ended in an error is closed, though its client neither closes nor speaks, and
/// its streams end a little later than it.
#[test]
fn an_error_amid_streams_holds_nobody() {
    let (back, is_asked, _let_go) = slow();
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT http2; location / {{ proxy_pass http://{back}; }} }}"
    ));
    let mut client = H2::to(server.front);
    client.wire.send(get(1, "/"));
    is_asked.recv_timeout(PATIENCE).expect("a request");
    // No stream has this number.
    client.wire.send(frame(DATA, 0, 0, b"x"));
    while client.next().is_some() {}
    quit(&server);
    gone(&server);
}

/// `proxy_ignore_client_abort`: a connection whose last request outlives its stream is idle from then on.
#[test]
fn a_stream_that_is_outlived_leaves_an_idle_connection() {
    let (back, is_asked, let_go) = slow();
    let server = Server::gateway(&format!(
        "access_log access.log; keepalive_timeout 300ms;
         server {{ listen @FRONT http2; location / {{ proxy_pass http://{back}; proxy_ignore_client_abort on; }} }}"
    ));
    let mut client = H2::to(server.front);
    client.wire.send(get(1, "/"));
    is_asked.recv_timeout(PATIENCE).expect("a request");
    client
        .wire
        .send(frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes()));
    let_go.send(()).expect("a peer");
    server.wait_for("access.log", "GET / HTTP/2.0\" 200");
    let closed = loop {
        match client.next() {
            Some(_) => {}
            None => break client.wire.0.read(&mut [0]),
        }
    };
    assert!(matches!(closed, Ok(0)), "{closed:?}");
}

/// `proxy_ignore_client_abort`: nor does the worker go before what it does for a client that has gone.
#[test]
fn what_outlives_its_connection_is_finished() {
    let (back, is_asked, let_go) = slow();
    let server = Server::gateway(&format!(
        "access_log access.log;
         server {{ listen @FRONT http2; location / {{ proxy_pass http://{back}; proxy_ignore_client_abort on; }} }}"
    ));
    let mut client = H2::to(server.front);
    client.wire.send(get(1, "/"));
    is_asked.recv_timeout(PATIENCE).expect("a request");
    drop(client);
    quit(&server);
    // Who does not wait has gone by then.
    std::thread::sleep(Duration::from_millis(300));
    let_go.send(()).expect("a peer");
    gone(&server);
    let log = server.process.read("access.log");
    assert!(log.contains("GET / HTTP/2.0\" 200"), "{log}");
}

/// A request refused for its head says nothing of those beside it.
#[test]
fn a_head_that_is_refused_ends_no_connection() {
    let server = Server::gateway("access_log off; server { listen @FRONT http2; return 204; }");
    let mut client = H2::to(server.front);
    let trace = head("TRACE", "/", &[]);
    client
        .wire
        .send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &trace));
    client.wire.send(get(3, "/"));
    while let Some(frame) = client.next() {
        assert_ne!(frame.kind, GOAWAY);
        if frame.kind == HEADERS && frame.stream == 3 {
            assert_eq!(status(&frame), Some(204));
            // Whoever says goodbye says so at once.
            client.patience(Duration::from_millis(200));
        }
    }
}

/// A client that takes back a request while its body is read is logged as one that has gone.
#[test]
fn a_body_that_is_taken_back_is_no_bad_request() {
    let server = Server::gateway(
        "access_log access.log; server { listen @FRONT http2; location / { proxy_pass http://127.0.0.1:1; } }",
    );
    let mut client = H2::to(server.front);
    let post = head("POST", "/", &[("content-length", "65000")]);
    client.wire.send(frame(HEADERS, END_HEADERS, 1, &post));
    for _ in 0..4 {
        client.wire.send(frame(DATA, 0, 1, &[b'a'; 15_000]));
    }
    // There is room for more, so it is being read.
    while client.next().expect("more").kind != WINDOW_UPDATE {}
    let reset = 8_u32.to_be_bytes();
    client.wire.send(frame(RST_STREAM, 0, 1, &reset));
    server.wait_for("access.log", "POST / HTTP/2.0\" 499");
}
