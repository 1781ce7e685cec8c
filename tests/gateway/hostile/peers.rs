//! Peers that send what has no end, no sense, or nothing.

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use super::{MIB, Siege, in_threads};
use crate::rig::{Wire, backend, status};

/// A peer that sends `start`, then `rest` for as long as it is taken.
fn endless(start: &'static str, rest: &'static str) -> SocketAddr {
    let block = rest.repeat(1 + 16_384 / rest.len());
    backend(move |mut wire| {
        if wire.try_head().is_some() && wire.0.write_all(start.as_bytes()).is_ok() {
            while wire.0.write_all(block.as_bytes()).is_ok() {}
        }
    })
}

/// A peer that sends `text` and then nothing, until the other side has gone.
fn saying(text: &'static str) -> SocketAddr {
    backend(move |mut wire| {
        if wire.try_head().is_some() && wire.0.write_all(text.as_bytes()).is_ok() {
            wire.rest();
        }
    })
}

/// A peer whose head comes a byte at a time.
fn dripping() -> SocketAddr {
    backend(|mut wire: Wire| {
        wire.try_head();
        for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain(&[b'x'; 80]) {
            if wire.0.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    })
}

/// Asks every peer twice, all at once; `check` is given its place and its answer.
fn ask_all(peers: &[SocketAddr], check: impl Fn(usize, &str) + Sync) {
    let location = |(number, peer): (usize, &SocketAddr)| {
        format!(
            "location = /{number} {{ proxy_pass http://{peer}; proxy_http_version 1.1;
             proxy_read_timeout 1500ms; }}\n"
        )
    };
    let locations: String = peers.iter().enumerate().map(location).collect();
    let siege = Siege::new(&locations, "");
    in_threads(peers.len() * 2, |thread| {
        let number = thread % peers.len();
        let text = siege.server.ask(format!(
            "GET /{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ));
        check(number, &text);
        siege.serves();
    });
    // Some 24 connections of which each holds at most hyper's buffer of 400 KiB.
    siege.ends_within(32 * MIB);
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn peers_without_a_proper_head_end_in_502_or_504() {
    // What fills a buffer to its brim may run out of time before on a slow machine.
    let brim: &[u16] = &[502, 504];
    let rows: [(_, _, &[u16]); 12] = [
        ("endless header lines", endless(OK, "X: x\r\n"), &[502]),
        ("an endless header line", endless(OK, "x"), brim),
        (
            "an endless status line",
            endless("HTTP/1.1 200 ", "x"),
            brim,
        ),
        ("endless empty lines", endless("", "\r\n"), brim),
        ("an endless word", endless("", "x"), &[502]),
        ("endless zeros", endless("", "\0"), &[502]),
        (
            "interim answers",
            endless("", "HTTP/1.1 100 C\r\n\r\n"),
            &[504],
        ),
        ("words", saying("-ERR unknown command\r\n"), &[502]),
        ("an end", backend(|mut wire| drop(wire.try_head())), &[502]),
        ("nothing", saying(""), &[504]),
        ("half a head", saying("HTTP/1.1 200 OK\r\nX-Ha"), &[504]),
        ("a dripping head", dripping(), &[504]),
    ];
    ask_all(&rows.map(|(_, peer, _)| peer), |number, text| {
        let (what, _, want) = rows[number];
        assert!(want.contains(&status(text)), "{what}: {text}");
    });
}

#[test]
fn bodies_that_go_wrong_are_broken_off() {
    let rows = [
        ("an endless chunk size", endless(CHUNKED, "1")),
        ("an endless extension", endless(CHUNKED, ";x=y")),
        ("endless trailers", endless(CHUNKED, "0\r\nX: x\r\n")),
        (
            "no chunk",
            saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nno\r\n"),
        ),
        (
            "a pause",
            saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
        ),
    ];
    ask_all(&rows.map(|(_, peer)| peer), |number, text| {
        let (what, _) = rows[number];
        // What is wrong from the start may leave nothing to send.
        let begun = text.is_empty() || status(text) == 200;
        assert!(begun, "{what}: {text}");
        let ended = text.ends_with("\r\n0\r\n\r\n") || text.ends_with("<open>");
        assert!(!ended, "{what}: {text}");
    });
}
