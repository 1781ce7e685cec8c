//! How connections and streams begin and end.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::Request;

use super::client::{answer, ask, connect, read, runtime, until};
use crate::rig::{PATIENCE, Server, Wire, backend, status};

fn get(target: &str) -> Request<()> {
    let uri = format!("http://a{target}");
    Request::get(uri).body(()).expect("a request")
}

#[test]
fn both_versions_are_spoken_on_one_address() {
    let server = Server::gateway(
        "access_log off; server { listen @FRONT; http2 on; return 200 $server_protocol; }",
    );
    let old = server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(old.ends_with("HTTP/1.1"), "{old}");
    // Not a preface, as far as it comes.
    let odd = server.ask("PRI / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&odd), 200);
    assert_eq!(ask(server.front, get("/"), b"").body, "HTTP/2.0");
}

#[test]
fn a_connection_that_never_says_what_it_wants_is_closed() {
    let server = Server::gateway(
        "access_log off; client_header_timeout 300ms; server { listen @FRONT; http2 on; return 200; }",
    );
    for begun in ["", "PRI * HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut wire = server.connect();
        wire.send(begun);
        let end = wire.rest();
        assert!(!end.ends_with("<open>"), "{begun:?}: {end:?}");
    }
}

/// Streams do not wait for each other.
#[test]
fn a_slow_answer_holds_up_nobody() {
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let back = backend(move |mut wire| {
        if let Some(head) = wire.try_head() {
            if head.contains("/slow") {
                let _ = held.lock().unwrap().recv_timeout(PATIENCE);
            }
            wire.send("HTTP/1.0 200 OK\r\n\r\ndone");
        }
    });
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT http2; location / {{ proxy_pass http://{back}; }} }}"
    ));
    runtime().block_on(async {
        let mut client = connect(server.front).await;
        let (slow, _) = client.send_request(get("/slow"), true).expect("a stream");
        for _ in 0..20 {
            let quick = answer(&mut client, get("/quick"), Bytes::new()).await;
            assert_eq!(quick.body, "done");
        }
        let_go.send(()).expect("somebody who waits");
        let slow = read(slow.await.expect("an answer")).await;
        assert_eq!(slow.body, "done");
    });
}

/// `keepalive_requests`: the client is told to open another connection, and what is under way ends well.
#[test]
fn a_connection_is_given_up_after_its_share_of_requests() {
    let server = Server::gateway(
        "access_log off; server { listen @FRONT http2; keepalive_requests 3; return 200 $connection_requests; }",
    );
    runtime().block_on(async {
        let mut client = connect(server.front).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(answer(&mut client, get("/"), Bytes::new()).await.body);
        }
        assert_eq!(seen, ["1", "2", "3"]);
        let refused = tokio::time::timeout(PATIENCE, async {
            loop {
                match client.clone().ready().await {
                    Ok(mut ready) => {
                        let more = answer(&mut ready, get("/"), Bytes::new()).await;
                        assert!(more.broken.is_some() || more.status == 200, "{more:?}");
                    }
                    Err(error) => break error,
                }
            }
        });
        let refused = refused.await.expect("an end");
        assert_eq!(refused.reason(), Some(Reason::NO_ERROR), "{refused}");
    });
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let server = Server::gateway(
        "access_log off; server { listen @FRONT http2; keepalive_timeout 300ms; return 200; }",
    );
    runtime().block_on(async {
        let socket = tokio::net::TcpStream::connect(server.front)
            .await
            .expect("a connection");
        let (client, connection) = h2::client::handshake(socket).await.expect("a preface");
        let ended = tokio::spawn(connection);
        let mut client = client.ready().await.expect("room");
        assert_eq!(
            answer(&mut client, get("/"), Bytes::new()).await.status,
            200
        );
        let ended = tokio::time::timeout(PATIENCE, ended).await;
        let ended = ended.expect("an end in time").expect("a task");
        // Said, not torn down.
        assert!(ended.is_ok(), "{ended:?}");
    });
}

/// A client that takes its request back takes it from the peer, too, and it is logged as in NGINX.
#[test]
fn a_reset_reaches_the_peer_and_the_log() {
    let gone = Arc::new(AtomicUsize::new(0));
    let (begun, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&gone));
    let started = Arc::clone(&begun);
    let back = backend(move |mut wire| {
        if wire.try_head().is_some() {
            started.fetch_add(1, Ordering::SeqCst);
            // The other side closes.
            if matches!(wire.0.read(&mut [0]), Ok(0) | Err(_)) {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let server = Server::gateway(&format!(
        "log_format f '$status $request'; access_log access.log f;
         server {{ listen @FRONT http2; location / {{ proxy_pass http://{back}; }} location /ok {{ return 200; }} }}"
    ));
    runtime().block_on(async {
        let mut client = connect(server.front).await;
        let (response, mut stream) = client.send_request(get("/x"), true).expect("a stream");
        until("asked", || begun.load(Ordering::SeqCst) == 1).await;
        stream.send_reset(Reason::CANCEL);
        drop(response);
        until("closed", || gone.load(Ordering::SeqCst) == 1).await;
        // Its neighbours do not notice.
        assert_eq!(
            answer(&mut client, get("/ok"), Bytes::new()).await.status,
            200
        );
    });
    server.wait_for("access.log", "499 GET /x HTTP/2.0");
}

/// On QUIT nothing new is taken, what is under way ends, and the process with it.
#[test]
fn quit_lets_streams_end() {
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let back = backend(move |mut wire| {
        if wire.try_head().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = held.lock().unwrap().recv_timeout(PATIENCE);
            wire.send("HTTP/1.0 200 OK\r\n\r\ndone");
        }
    });
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT http2; location / {{ proxy_pass http://{back}; }} }}"
    ));
    let pid = server.wait_for("gateway.pid", "\n").trim().to_owned();
    runtime().block_on(async {
        let mut client = connect(server.front).await;
        let (slow, _) = client.send_request(get("/"), true).expect("a stream");
        until("asked", || asked.load(Ordering::SeqCst) == 1).await;
        let quit = Command::new("kill").args(["-QUIT", &pid]).status();
        assert!(quit.expect("kill").success());
        until("closed to others", || {
            std::net::TcpStream::connect(server.front).is_err()
        })
        .await;
        let_go.send(()).expect("somebody who waits");
        let slow = read(slow.await.expect("an answer")).await;
        assert_eq!((slow.body.as_str(), slow.broken), ("done", None));
    });
    let gone = || !server.process.path("gateway.pid").exists();
    runtime().block_on(until("gone", gone));
}

/// `worker_shutdown_timeout`: whoever is not done by then is cut off.
#[test]
fn a_shutdown_has_its_limit() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let back = backend(move |mut wire: Wire| {
        if wire.try_head().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = wire.0.read(&mut [0]);
        }
    });
    let front = crate::rig::free();
    let directory = crate::process::directory("gateway");
    let text = format!(
        "worker_processes 1; worker_shutdown_timeout 300ms; pid gateway.pid; events {{}}
         http {{ access_log off; server {{ listen {front}; location / {{ proxy_pass http://{back}; }} }} }}"
    );
    let file = crate::process::configuration(&directory, &text);
    let mut command = Command::new(crate::program::program());
    command.arg("-p").arg(&directory).arg("-c").arg(file);
    let process = crate::process::Process::start("gateway", command, directory, front);
    let mut wire = Wire::to(front);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    runtime().block_on(until("asked", || asked.load(Ordering::SeqCst) == 1));
    let pid = process.read("gateway.pid").trim().to_owned();
    let begun = std::time::Instant::now();
    let quit = Command::new("kill").args(["-QUIT", &pid]).status();
    assert!(quit.expect("kill").success());
    assert!(wire.is_closed());
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(290) && took < PATIENCE,
        "{took:?}"
    );
}

/// Told to go, a client that begins streams all the same is not served for ever.
#[test]
fn a_client_that_does_not_go_is_shown_out() {
    let server = Server::gateway(
        "access_log off; server { listen @FRONT http2; keepalive_requests 5; return 200; }",
    );
    let mut wire = server.connect();
    wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let mut served = 0;
    for stream in (1..2000_u32).step_by(2) {
        // `:method: GET`, `:scheme: http`, `:path: /`, and `:authority: a` spelled out.
        let mut request = vec![0, 0, 6, 1, 5];
        request.extend(stream.to_be_bytes());
        request.extend([0x82, 0x86, 0x84, 0x41, 0x01, b'a']);
        // No PING is answered, so the goodbye stays the first of two.
        if wire.0.write_all(&request).is_err() || !is_answered(&mut wire, stream) {
            break;
        }
        served += 1;
    }
    assert!((5..=5 + 128).contains(&served), "{served} requests served");
}

/// Reads frames until the head of an answer comes on `stream`.
fn is_answered(wire: &mut Wire, stream: u32) -> bool {
    loop {
        let mut head = [0; 9];
        if wire.0.read_exact(&mut head).is_err() {
            return false;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if wire.0.read_exact(&mut payload).is_err() {
            return false;
        }
        if head[3] == 1 && head[5..] == stream.to_be_bytes() {
            return true;
        }
    }
}
