//! Answers without end for clients that do not read them.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::{MIB, Siege};
use crate::rig::{PATIENCE, Wire, backend, status};

#[test]
fn what_a_client_does_not_read_is_not_asked_of_its_peer() {
    const CLIENTS: u64 = 10;
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    let back = backend(move |mut wire| {
        wire.try_head();
        let mut block = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
        while let Ok(bytes) = wire.0.write(block.as_bytes()) {
            count.fetch_add(bytes as u64, SeqCst);
            block = "x".repeat(64 * 1024);
        }
    });
    let siege = Siege::new(&format!("location / {{ proxy_pass http://{back}; }}"), "");
    let ask = |_| {
        let mut client = siege.server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client
    };
    let mut clients: Vec<Wire> = (0..CLIENTS).map(ask).collect();
    for client in &mut clients {
        assert_eq!(status(&client.until("\r\n\r\n")), 200);
    }
    // Until no peer gets rid of any more.
    let start = Instant::now();
    loop {
        let before = written.load(SeqCst);
        thread::sleep(Duration::from_millis(300));
        siege.serves();
        if written.load(SeqCst) == before {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{before} bytes, and no end");
    }
    // What is on its way is in the buffers of sockets, of which the largest hold a few megabytes.
    let each = written.load(SeqCst) / CLIENTS;
    assert!(each < 32 * MIB, "{each} bytes for each client");
    // A client that reads gets more.
    let before = written.load(SeqCst);
    let mut part = vec![0; 2 * each as usize];
    std::io::Read::read_exact(&mut clients[0].0, &mut part).expect("an endless answer");
    assert!(written.load(SeqCst) > before);
    drop(clients);
    // hyper's two buffers for each of them, 400 KiB at most.
    siege.ends_within(CLIENTS * MIB + 16 * MIB);
}
