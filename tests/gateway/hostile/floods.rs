//! Frames in HTTP/2 as fast as they can be sent, on as many connections as it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::{MIB, Siege};
use crate::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, fields, frame, settings,
};
use crate::raw_http2::{H2, get, head};
use crate::rig::{Server, backend};

/// How long each attack lasts.
const TIME: Duration = Duration::from_millis(800);

/// Name, what is said first on each connection, and what is then said again and again; the number
/// counts from zero on each connection.
type Attack = (&'static str, fn() -> Vec<u8>, fn(u32) -> Vec<u8>);

const ATTACKS: [Attack; 13] = [
    ("streams opened and reset", nothing, |number| {
        let id = number * 2 + 1;
        [
            get(id, "/count"),
            frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()),
        ]
        .concat()
    }),
    ("streams the server is made to reset", nothing, |number| {
        let id = number * 2 + 1;
        [get(id, "/count"), frame(WINDOW_UPDATE, 0, id, &[0; 4])].concat()
    }),
    ("requests of which no answer is read", nothing, |number| {
        get(number * 2 + 1, "/count")
    }),
    ("PING", nothing, |_| frame(PING, 0, 0, &[7; 8]).repeat(100)),
    ("SETTINGS", nothing, |_| {
        frame(SETTINGS, 0, 0, &settings(&[(4, 70_000)])).repeat(100)
    }),
    ("SETTINGS that move all windows", streams, |number| {
        frame(SETTINGS, 0, 0, &settings(&[(4, 60_000 + number % 2)])).repeat(50)
    }),
    ("acknowledgements nobody asked for", nothing, |_| {
        frame(PING, ACK, 0, &[7; 8]).repeat(100)
    }),
    ("header blocks without end", begun, |_| {
        frame(CONTINUATION, 0, 1, &fields(&[("x", &"x".repeat(100))]))
    }),
    ("empty pieces of a header block", begun, |_| {
        frame(CONTINUATION, 0, 1, &[]).repeat(100)
    }),
    (
        "headers that unpack to a thousand times their size",
        nothing,
        |number| {
            // One long field to be remembered, and then by its number, in one byte each.
            let mut block = head("GET", "/count", &[]);
            block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
            block.extend([b'x'; 4000]);
            block.extend([0xbe; 12_000]);
            frame(HEADERS, END_HEADERS | END_STREAM, number * 2 + 1, &block)
        },
    ),
    ("empty DATA", posted, |_| frame(DATA, 0, 1, &[]).repeat(100)),
    ("PRIORITY", nothing, |number| {
        frame(PRIORITY, 0, number * 2 + 1, &[0; 5]).repeat(100)
    }),
    ("WINDOW_UPDATE", streams, |_| {
        let one = |id| frame(WINDOW_UPDATE, 0, id, &1_u32.to_be_bytes());
        [one(0), one(1)].concat().repeat(50)
    }),
];

fn nothing() -> Vec<u8> {
    Vec::new()
}

fn begun() -> Vec<u8> {
    frame(HEADERS, END_STREAM, 1, &head("GET", "/count", &[]))
}

fn posted() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &head("POST", "/count", &[]))
}

/// A hundred requests that are not complete.
fn streams() -> Vec<u8> {
    let post = |number: u32| {
        frame(
            HEADERS,
            END_HEADERS,
            number * 2 + 1,
            &head("POST", "/count", &[]),
        )
    };
    (0..100).flat_map(post).collect()
}

/// What became of an attack.
#[derive(Default)]
struct Came {
    connections: usize,
    rounds: u64,
    /// Connections that the server ended with this code.
    sent_away: [usize; 16],
}

/// Attacks until the time is over, over a new connection whenever one is lost.
fn strike(siege: &Siege, (_, first, again): Attack) -> Came {
    let mut came = Came::default();
    let start = Instant::now();
    while start.elapsed() < TIME {
        came.connections += 1;
        let mut h2 = H2::to(siege.server.front);
        h2.patience(Duration::from_millis(300));
        let mut alive = h2.try_send(&first());
        for number in 0..500_000 {
            alive = alive && start.elapsed() < TIME;
            if !alive {
                break;
            }
            alive = h2.try_send(&again(number));
            came.rounds += 1;
        }
        if let Some(code) = goodbye(&mut h2) {
            came.sent_away[code as usize % 16] += 1;
        }
    }
    came
}

/// The code with which the server ends a connection, if it does so at once.
fn goodbye(h2: &mut H2) -> Option<u32> {
    for _ in 0..10_000 {
        let read = h2.next()?;
        if read.kind == GOAWAY && read.code() != 0 {
            return Some(read.code());
        }
    }
    None
}

#[test]
fn floods_of_frames_drown_nobody() {
    for attack in ATTACKS {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let back = backend(move |mut wire| {
            while wire.try_head().is_some() {
                count.fetch_add(1, Relaxed);
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        });
        let siege = Siege::new(
            "http2 on; location /count { proxy_pass http://count; proxy_http_version 1.1;
             proxy_set_header Connection \"\"; }",
            &format!("upstream count {{ server {back}; keepalive 16; }}"),
        );
        let (came, meanwhile) = siege.while_served(|| strike(&siege, attack));
        let name = attack.0;
        eprintln!(
            "{name}: {} rounds over {} connections, {} ended by \"enhance your calm\", {} asked of the peer",
            came.rounds,
            came.connections,
            came.sent_away[11],
            asked.load(Relaxed)
        );
        meanwhile.assert_bearable(name, &siege);
        siege.ends_within(24 * MIB);
    }
}

/// As in nginx: whoever sends megabytes that mean nothing is not listened to for ever.
#[test]
fn frames_that_say_nothing_end_their_connection() {
    let http = "access_log off; server { listen @FRONT http2; return 200; }";
    for (name, mut server) in [
        ("gateway", Server::gateway(http)),
        ("nginx", Server::nginx(http)),
    ] {
        let mut h2 = H2::to(server.front);
        let nothing = frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes()).repeat(1000);
        h2.wire.send(get(1, "/"));
        let mut sent = 0;
        while sent < 64 * MIB && h2.try_send(&nothing) {
            sent += nothing.len() as u64;
        }
        server.process.stop();
        let log = server.process.read("error.log");
        assert!(
            log.contains("http2 flood detected"),
            "{name} after {sent} bytes: {log}"
        );
        // nginx reads on for a while, and forgets what it reads.
        let taken = sent < 32 * MIB || name == "nginx";
        assert!(sent >= 8 * MIB && taken, "{name} took {sent} bytes");
    }
}
