//! Answers without end in HTTP/2, for clients that give no room or do not read.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::{MIB, Siege};
use crate::frames::{DATA, WINDOW_UPDATE, frame};
use crate::raw_http2::{H2, get};
use crate::rig::{PATIENCE, backend};

const CLIENTS: u64 = 4;
const STREAMS: u32 = 20;

const INITIAL_WINDOW: u16 = 4;
const MOST: u32 = 0x7fff_ffff;

/// Asks for endless answers under these settings, and waits until no peer gets rid of any more: what was
/// taken from each peer, at most.
fn hoard(what: &str, settings: &[(u16, u32)], room: u32, limit: u64) {
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
    let siege = Siege::new(
        &format!("http2 on; location / {{ proxy_pass http://{back}; }}"),
        "",
    );
    let ask = |_| {
        let mut client = H2::with(siege.server.front, settings);
        if room > 0 {
            client
                .wire
                .send(frame(WINDOW_UPDATE, 0, 0, &room.to_be_bytes()));
        }
        for number in 0..STREAMS {
            client.wire.send(get(number * 2 + 1, "/"));
        }
        client
    };
    let mut clients: Vec<H2> = (0..CLIENTS).map(ask).collect();
    let start = Instant::now();
    let ((), meanwhile) = siege.while_served(|| {
        loop {
            let before = written.load(SeqCst);
            thread::sleep(Duration::from_millis(300));
            if written.load(SeqCst) == before && before > 0 {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{before} bytes, and no end");
        }
    });
    let each = written.load(SeqCst) / CLIENTS / u64::from(STREAMS);
    eprintln!(
        "{what}: {} kB taken from each of {} peers",
        each / 1024,
        CLIENTS * u64::from(STREAMS)
    );
    meanwhile.assert_bearable(what, &siege);
    // The buffers of two sockets, and ours.
    assert!(each < 16 * MIB, "{each} bytes for each stream");
    // Whoever makes room gets more; that of the connection is for all its streams.
    let client = &mut clients[0];
    let more = 4_000_000_u32.to_be_bytes();
    for stream in [0, 1] {
        if room == 0 {
            client.wire.send(frame(WINDOW_UPDATE, 0, stream, &more));
        }
    }
    let mut got = 0;
    while got < 500_000 {
        let frame = client.next().expect("an endless answer");
        if frame.kind == DATA && frame.stream == 1 {
            got += frame.payload.len();
        }
    }
    drop(clients);
    siege.ends_within(limit);
}

#[test]
fn what_a_client_in_http2_gives_no_room_for_is_not_asked_of_its_peer() {
    // For each stream what hyper reads ahead of its peer, 400 KiB at most, and 64 KiB of its own.
    let streams = CLIENTS * u64::from(STREAMS);
    hoard(
        "no window",
        &[(INITIAL_WINDOW, 0)],
        0,
        streams * MIB / 2 + 16 * MIB,
    );
    hoard("the usual window", &[], 0, streams * MIB / 2 + 16 * MIB);
    hoard(
        "all the window there can be, and nothing read",
        &[(INITIAL_WINDOW, MOST)],
        MOST - 65_535,
        streams * MIB / 2 + 16 * MIB,
    );
}
