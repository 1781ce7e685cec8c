//! Connections by the thousand that ask for nothing more.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use super::{MIB, Siege, in_threads};
use crate::frames::{END_STREAM, HEADERS};
use crate::raw_http2::{H2, get};
use crate::rig::{Server, Wire, status};

/// Connections, if there may be so many files.
const MANY: usize = 10_000;

/// Of these many files some are for other tests that run at the same time.
const OTHERS: usize = 4000;

/// How many files this process may open.
fn files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.expect("a limit").parse().unwrap_or(usize::MAX)
}

/// Leaves at once: waiting ends of connections would use up the ports there are.
fn leave(wire: Wire) {
    let _ = socket2::SockRef::from(&wire.0).set_linger(Some(Duration::ZERO));
}

/// Opens as many connections as may be, and asserts that others are served while they are there.
fn idle(what: &str, limit: u64, open: impl Fn(&Server) -> Wire + Sync) {
    let siege = Siege::new("http2 on; location /quick { return 200 ok; }", "");
    let count = MANY.min(files().saturating_sub(OTHERS));
    let all = Mutex::new(Vec::new());
    let ((), arriving) = siege.while_served(|| {
        in_threads(4, |_| {
            for _ in 0..count / 4 {
                let wire = open(&siege.server);
                all.lock().expect("a list").push(wire);
            }
        });
    });
    let count = count / 4 * 4;
    arriving.assert_bearable(&format!("{count} {what}, arriving"), &siege);
    assert!(siege.files() >= count, "some have been closed");
    let ((), there) = siege.while_served(|| std::thread::sleep(Duration::from_millis(500)));
    there.assert_bearable(&format!("{count} {what}, there"), &siege);
    let each = siege.memory_now().saturating_sub(siege.memory) / count as u64;
    eprintln!("{count} {what}: {each} bytes each");
    for wire in all.into_inner().expect("a list") {
        leave(wire);
    }
    siege.ends_within(count as u64 * limit + 8 * MIB);
}

/// One kind after the other: both at once are more files than a process may have.
#[test]
fn ten_thousand_idle_connections_keep_nobody_waiting() {
    idle("idle connections", 32 * 1024, |server| {
        let mut wire = server.connect();
        wire.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status(&wire.response().0), 200);
        wire
    });
    idle("idle connections in HTTP/2", 32 * 1024, |server| {
        let mut h2 = H2::to(server.front);
        h2.wire.send(get(1, "/quick"));
        let mut answered = false;
        while let Some(frame) = h2.next() {
            answered |= frame.kind == HEADERS;
            if frame.stream == 1 && frame.has(END_STREAM) {
                break;
            }
        }
        assert!(answered);
        h2.wire
    });
}
