//! The walls of the house: machines know no runtime, one file reads the clock, and rooms lean only
//! on rooms to their right or on the shelf.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that poll, lock, connect or read the clock. Every other one is pure.
const DOORS: &[&str] = &[
    "balance/gone.rs",
    "balance/roster.rs",
    "balance/unless.rs",
    "breaker/layer/future.rs",
    "breaker/layer/layer.rs",
    "breaker/layer/service.rs",
    "breaker/layer/shared.rs",
    "clock.rs",
    "connect/conn.rs",
    "connect/http1.rs",
    "connect/http2/alone.rs",
    "connect/http2/shared.rs",
    "connect/http2/tasks.rs",
    "connect/meter.rs",
    "connect/tcp.rs",
    "connect/tls/client.rs",
    "discover/endpoints.rs",
    "discover/follower.rs",
    "discover/source.rs",
    "dns/follower.rs",
    "dns/resolver.rs",
    "dns/updates.rs",
    "health/checks.rs",
    "health/grpc.rs",
    "health/looks.rs",
    "health/probe.rs",
    "limit/bulkhead/layer/core.rs",
    "limit/bulkhead/layer/future.rs",
    "limit/bulkhead/layer/layer.rs",
    "limit/bulkhead/layer/permit.rs",
    "limit/bulkhead/layer/service.rs",
    "limit/rate/layer/future.rs",
    "limit/rate/layer/layer.rs",
    "limit/rate/layer/service.rs",
    "limit/rate/layer/shared.rs",
    "limit/rate/zone.rs",
    "pool/keep.rs",
    "pool/streams.rs",
    "retry/attempt.rs",
    "retry/body.rs",
    "retry/budget/shared.rs",
    "retry/layer/future.rs",
    "retry/layer/layer.rs",
    "retry/layer/service.rs",
    "retry/source.rs",
    "timeout/body.rs",
    "timeout/deadline.rs",
    "timeout/layer/future.rs",
    "timeout/layer/layer.rs",
    "timeout/layer/request_body.rs",
    "timeout/layer/service.rs",
    "timeout/timer.rs",
    "upstream/body.rs",
    "upstream/call/ending.rs",
    "upstream/call/mod.rs",
    "upstream/call/watching.rs",
    "upstream/changes.rs",
    "upstream/channel.rs",
    "upstream/client.rs",
    "upstream/connecting.rs",
    "upstream/engine.rs",
    "upstream/exchange.rs",
    "upstream/future.rs",
    "upstream/http.rs",
    "upstream/members.rs",
    "upstream/sticky/desk.rs",
    "upstream/waiting.rs",
];

/// Left to right, as a request walks; the front doors come first.
const CORRIDOR: [&str; 11] = [
    "nginx", "limit", "health", "dns", "discover", "upstream", "retry", "balance", "breaker",
    "pool", "connect",
];

/// What every room may take from. `timeout` lends its timer and its words to whoever waits.
const SHELF: [&str; 7] = [
    "answer",
    "body",
    "classify",
    "clock",
    "error",
    "semantics",
    "timeout",
];

/// A condition knows the keyword that lists it, and keywords are `retry`'s. `from_nginx` opens the
/// side door from within.
const EXCEPTIONS: [(&str, &str); 2] = [("classify", "retry"), ("upstream", "nginx")];

/// Every source file: its path below `src`, and its code without comments and unit tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
                false => {}
            }
        }
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into();
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    let sources: Vec<_> = files.into_iter().map(read).collect();
    assert!(sources.len() > 40, "the whole house is looked at");
    sources
}

#[test]
fn a_file_is_pure_unless_it_is_a_door() {
    let sources = sources();
    for door in DOORS {
        let found = sources.iter().any(|(name, _)| name == door);
        assert!(found, "{door} is gone: take it off the list of doors");
    }
    for (name, code) in &sources {
        if DOORS.contains(&name.as_str()) {
            continue;
        }
        // An instant that is told is a value, not a clock.
        let code = code.replace("tokio::time::Instant;", "");
        for word in [
            "tokio::",
            "tower_service",
            "tower_layer",
            "crate::clock",
            ".elapsed()",
        ] {
            assert!(
                !code.contains(word),
                "{name} is no door, yet it uses {word}"
            );
        }
    }
}

#[test]
fn only_the_clock_reads_time() {
    for (name, code) in sources() {
        for word in ["Instant::now", "SystemTime", "std::time::Instant"] {
            let read = code.contains(word);
            assert!(
                !read || name == "clock.rs",
                "{name} uses {word}; ask crate::clock"
            );
        }
    }
}

#[test]
fn rooms_lean_only_on_the_right_and_on_the_shelf() {
    let rank = |room: &str| CORRIDOR.iter().position(|r| *r == room);
    for (name, code) in sources() {
        let room = name.split(['/', '.']).next().unwrap_or_default();
        if room == "lib" {
            continue;
        }
        for used in code.split("crate::").skip(1) {
            let used = used
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            let used = used.unwrap_or_default();
            let allowed = used == room
                || SHELF.contains(&used)
                || EXCEPTIONS.contains(&(room, used))
                || rank(room)
                    .zip(rank(used))
                    .is_some_and(|(from, to)| from < to);
            assert!(
                allowed,
                "{name} uses crate::{used}, which is not to its right"
            );
        }
    }
}
