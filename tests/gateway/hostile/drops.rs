//! Clients that leave when they please.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{MIB, Siege, in_threads};
use crate::rig::{Wire, backend, header, status};

/// Attempts the backend may have at once.
const ROOM: usize = 60;

/// Bytes of an answer.
const LENGTH: usize = 512 * 1024;

/// A backend that answers `/N` with bytes made of N in pieces and pauses, takes request bodies, and
/// holds what asks for `/hold` in the middle of its answer.
fn back() -> SocketAddr {
    backend(|mut wire| {
        while let Some(head) = wire.try_head() {
            let length = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
            let mut body = vec![0; length];
            if wire.0.read_exact(&mut body).is_err() {
                return;
            }
            let path = head.split(' ').nth(1).unwrap_or("");
            let told = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
            let mut ok = wire.0.write_all(told.as_bytes()).is_ok();
            if path == "/hold" {
                let _ = wire.0.read(&mut [0]);
                return;
            }
            for _ in 0..16 {
                thread::sleep(Duration::from_micros(fastrand::u64(..1000)));
                ok = ok && wire.0.write_all(&[letter(path); LENGTH / 16]).is_ok();
            }
            if !ok {
                return;
            }
        }
    })
}

fn letter(path: &str) -> u8 {
    let number: u32 = path[1..].parse().unwrap_or(0);
    b'a' + (number % 26) as u8
}

/// Leaves, and now and then without a farewell.
fn leave(wire: Wire) {
    if fastrand::bool() {
        let _ = socket2::SockRef::from(&wire.0).set_linger(Some(Duration::ZERO));
    }
}

#[test]
fn a_thousand_clients_leave_at_random_moments_and_nothing_is_left_of_them() {
    const THREADS: usize = 50;
    let siege = Siege::new(
        "location / { proxy_pass http://big; proxy_http_version 1.1; proxy_set_header Connection \"\"; }
         location /piecewise { proxy_pass http://big; proxy_request_buffering off; }",
        &format!("upstream big {{ server {} max_conns={ROOM}; keepalive 8; }}", back()),
    );
    let whole = AtomicUsize::new(0);
    in_threads(THREADS, |thread| {
        for round in 0..20 {
            let path = format!("/{}", thread * 20 + round);
            let mut wire = siege.server.connect();
            match round % 4 {
                // Within the request.
                0 => {
                    let path = ["/1", "/piecewise"][thread % 2];
                    let body = "x".repeat(20_000);
                    let request = format!(
                        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n{body}"
                    );
                    wire.send(&request[..fastrand::usize(..request.len())]);
                    leave(wire);
                    continue;
                }
                // At any time.
                1 => {
                    wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
                    thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
                    leave(wire);
                    continue;
                }
                // Within the answer.
                2 => {
                    wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
                    let mut part = vec![0; fastrand::usize(1..LENGTH)];
                    let _ = wire.0.read_exact(&mut part[..]);
                    leave(wire);
                    continue;
                }
                _ => {}
            }
            wire.send(format!(
                "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ));
            let text = wire.rest();
            // Places of those who left may not be free yet.
            if status(&text) == 502 {
                continue;
            }
            let body = &text[text.find("\r\n\r\n").expect("a head") + 4..];
            assert_eq!(body.len(), LENGTH, "{path}");
            assert!(body.bytes().all(|byte| byte == letter(&path)), "{path}");
            whole.fetch_add(1, Ordering::Relaxed);
        }
    });
    let whole = whole.into_inner();
    assert!(whole >= 50, "only {whole} were served");
    let log = siege.server.process.read("access.log");
    assert!(log.contains("\" 499 0"), "nobody left within an attempt");

    // Every place is free again: they can all be taken at once.
    siege.settled_files();
    let ask = || {
        let mut wire = siege.server.connect();
        wire.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
        wire
    };
    let mut held: Vec<Wire> = (0..ROOM).map(|_| ask()).collect();
    for wire in &mut held {
        assert_eq!(status(&wire.until("\r\n\r\n")), 200);
    }
    assert_eq!(
        status(&ask().until("\r\n\r\n")),
        502,
        "there is no place left"
    );
    drop(held);
    siege.ends_within(64 * MIB);
}
