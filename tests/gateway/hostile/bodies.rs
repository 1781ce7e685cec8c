//! Bodies that are too long, or stop.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::{MIB, Siege, in_threads};
use crate::rig::{backend, status};

/// A backend that takes whatever comes and answers when it has ended.
fn taking() -> SocketAddr {
    backend(|mut wire| {
        let mut scrap = [0; 16 * 1024];
        while matches!(wire.0.read(&mut scrap), Ok(1..)) {}
    })
}

fn siege() -> Siege {
    let back = taking();
    Siege::new(&format!(
        "client_max_body_size 100k;
         location /whole {{ proxy_pass http://{back}; }}
         location /piecewise {{ proxy_pass http://{back}; proxy_request_buffering off; proxy_http_version 1.1; }}"
    ), "")
}

#[test]
fn bodies_past_the_limit_are_refused_however_much_comes() {
    let siege = siege();
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    in_threads(8, |number| {
        let path = ["/whole", "/piecewise"][number % 2];
        let mut wire = siege.server.connect();
        wire.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        // Eight megabytes of one body, unless the gateway has had enough before.
        for _ in 0..512 {
            if wire.0.write_all(chunk.as_bytes()).is_err() {
                break;
            }
        }
        assert_eq!(status(&wire.rest()), 413, "{path}");
        let told = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n");
        assert_eq!(status(&siege.server.ask(told)), 413, "{path}");
        siege.serves();
    });
    // 100k for each, and what hyper reads ahead.
    siege.ends_within(32 * MIB);
}

#[test]
fn bodies_that_stop_end_on_time() {
    let siege = siege();
    in_threads(50, |number| {
        let path = ["/whole", "/piecewise"][number % 2];
        let mut wire = siege.server.connect();
        wire.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n{}",
            "x".repeat(80_000)
        ));
        siege.serves();
        let text = wire.rest();
        assert!(text.is_empty() || text == "<reset>", "{path}: {text}");
    });
    siege.logs("\" 408 0", 50);
    siege.ends_within(32 * MIB);
}
