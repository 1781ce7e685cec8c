//! The worked examples (W18), five times slower, so that a busy machine does not change them.

use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{Server, status};

/// Times are those of the reference times this.
const SLOWER: u64 = 5;

/// A wait is measured by a client; this much more than it should be is the machine's doing.
const LATE: u64 = 150;

/// A request that is sent later than this says nothing about limits.
const PUNCTUAL: Duration = Duration::from_millis(40);

/// Name, what stands in its location, arrivals, and what comes of each: `-` passes at once to a page
/// that is not there, a number is refused with that status or, with a plus, passes after so many milliseconds.
const TRACES: [(&str, &str, &[u64], &str); 8] = [
    (
        "none",
        "limit_req zone=none;",
        &[0, 50, 110, 160, 220, 330],
        "- 503 - 503 - -",
    ),
    (
        "burst",
        "limit_req zone=burst burst=3;",
        &[0, 10, 20, 30, 40, 50, 60],
        "- +90 +180 +270 503 503 503",
    ),
    (
        "nodelay",
        "limit_req zone=nodelay burst=3 nodelay;",
        &[0, 10, 20, 30, 40, 50, 60, 170, 300],
        "- - - - 503 503 503 - -",
    ),
    (
        "delay",
        "limit_req zone=delay burst=4 delay=2;",
        &[0, 10, 20, 30, 40, 50, 60],
        "- - - +70 +160 503 503",
    ),
    (
        "status",
        "limit_req zone=status; limit_req_status 429;",
        &[0, 10],
        "- 429",
    ),
    (
        "dry",
        "limit_req zone=dry burst=1; limit_req_dry_run on;",
        &[0, 10, 20],
        "- - -",
    ),
    (
        "both",
        "limit_req zone=both burst=1; limit_req zone=y burst=5;",
        &[0, 10, 20, 30, 40, 50, 60],
        "- +190 503 503 503 503 503",
    ),
    ("keyless", "limit_req zone=keyless;", &[0, 10, 20], "- - -"),
];

/// Every trace in a location with a zone of its own.
fn http() -> String {
    let mut zones = String::from("limit_req_zone $arg_k zone=y:64k rate=1r/s;\n");
    let mut locations = String::new();
    for (name, limits, ..) in TRACES {
        let key = if name == "keyless" { "nothing" } else { "k" };
        zones += &format!("limit_req_zone $arg_{key} zone={name}:64k rate=2r/s;\n");
        locations += &format!("location /{name} {{ {limits} }}\n");
    }
    format!("access_log off; {zones} server {{ listen @FRONT; {locations} }}")
}

/// Sends the requests of a trace, each when it is due. None: this machine was too busy for it.
fn play(server: &Server, name: &str, times: &[u64], key: u32) -> Option<Vec<(u16, u64)>> {
    let start = Instant::now() + Duration::from_millis(20);
    thread::scope(|scope| {
        let requests = times.iter().map(|ms| {
            let due = start + Duration::from_millis(ms * SLOWER);
            scope.spawn(move || {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let mut wire = server.connect();
                let late = due.elapsed();
                wire.send(format!("GET /{name}?k={key} HTTP/1.0\r\n\r\n"));
                let head = wire.until("\r\n\r\n");
                let took = due.elapsed().as_millis() as u64;
                (late < PUNCTUAL).then(|| (status(&head), took))
            })
        });
        let requests: Vec<_> = requests.collect();
        requests.into_iter().map(|r| r.join().unwrap()).collect()
    })
}

/// Whether what came is what was wanted; waits may be longer by what the machine adds.
fn fits(wanted: &str, (status, took): (u16, u64)) -> bool {
    let (code, least) = match wanted.strip_prefix('+') {
        Some(ms) => (404, ms.parse::<u64>().unwrap() * SLOWER),
        None if wanted == "-" => (404, 0),
        None => (wanted.parse().unwrap(), 0),
    };
    // A request that was sent late waits for less: its arrival counts, its time is from when it was due.
    status == code && took + 10 >= least && took < least + LATE
}

fn holds(server: &Server, trace: (&str, &str, &[u64], &str)) -> Result<(), String> {
    let (name, _, times, wanted) = trace;
    let mut seen = Vec::new();
    // A busy machine may spoil a play; another key is another account.
    for key in 0..5 {
        let Some(came) = play(server, name, times, key) else {
            continue;
        };
        if wanted
            .split(' ')
            .zip(&came)
            .all(|(wanted, came)| fits(wanted, *came))
        {
            return Ok(());
        }
        seen.push(came);
    }
    Err(format!("{name}: wanted {wanted}, came {seen:?}"))
}

#[test]
fn w18_is_what_nginx_does_and_what_we_do() {
    let http = http();
    for server in [Server::nginx(&http), Server::gateway(&http)] {
        let server = &server;
        let wrong: Vec<String> = thread::scope(|scope| {
            let plays = TRACES.map(|trace| scope.spawn(move || holds(server, trace)));
            let plays = plays.into_iter().map(|play| play.join().unwrap());
            plays.filter_map(Result::err).collect()
        });
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
