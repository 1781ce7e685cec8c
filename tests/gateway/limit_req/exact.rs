//! The numbers that nginx logs, worked out again by our machine from the times at which it saw the
//! requests: to the millisecond.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

use tower_upstream::limit::rate::{Bucket, Rate};

use crate::rig::Server;

/// How far apart two times may be: they are logged in whole milliseconds of one clock and counted by
/// another, which nginx takes to be one that ticks every four.
const CLOCKS: u64 = 6;

const HTTP: &str = "
    log_format times '$connection $msec $limit_req_status'; access_log access.log times;
    limit_req_zone $arg_k zone=seconds:64k rate=40r/s;
    limit_req_zone $arg_k zone=minutes:64k rate=500r/m;
    server { listen @FRONT;
        location /seconds { limit_req zone=seconds burst=4 nodelay; }
        location /minutes { limit_req zone=minutes burst=2 nodelay; } }";

/// What a server says about one request.
#[derive(Debug)]
struct Said {
    ms: u64,
    passed: bool,
    /// For those refused.
    excess: Option<u64>,
}

/// In order of arrival: one connection each, one after the other.
fn play(mut server: Server, path: &str) -> Vec<Said> {
    let mut random = fastrand::Rng::with_seed(18);
    for _ in 0..120 {
        server.ask(format!("GET /{path}?k=1 HTTP/1.0\r\n\r\n"));
        let pause = [0, 0, 0, 3, 17, 40, 130][random.usize(..7)];
        sleep(Duration::from_millis(pause));
    }
    server.process.stop();
    let errors = server.process.read("error.log");
    let excesses: HashMap<u64, u64> = errors.lines().filter_map(excess).collect();
    let access = server.process.read("access.log");
    let mut lines: Vec<(u64, Said)> = access
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let connection = words[0].parse().unwrap();
            let said = Said {
                ms: words[1].replace('.', "").parse().unwrap(),
                passed: words[2] == "PASSED",
                excess: excesses.get(&connection).copied(),
            };
            (connection, said)
        })
        .collect();
    lines.sort_unstable_by_key(|(connection, _)| *connection);
    lines.into_iter().map(|(_, said)| said).collect()
}

/// The connection and the thousandths of a line such as
/// `... *7 limiting requests, excess: 4.960 by zone "seconds", ...`.
fn excess(line: &str) -> Option<(u64, u64)> {
    let (before, after) = line.split_once(" limiting requests, excess: ")?;
    let (_, connection) = before.rsplit_once('*')?;
    let (number, _) = after.split_once(' ')?;
    Some((
        connection.parse().ok()?,
        number.replace('.', "").parse().ok()?,
    ))
}

fn assert_exact(said: &[Said], rate: Rate, burst: u64) {
    assert_eq!(said.len(), 120);
    let refused = said.iter().filter(|said| !said.passed).count();
    assert!(
        (10..110).contains(&refused),
        "{refused} refused: no test at all"
    );
    let slack = CLOCKS * rate.thousandths() / 1000 + 1;
    let mut bucket = Bucket::new();
    for (number, said) in said.iter().enumerate() {
        let excess = bucket.excess(rate, said.ms);
        if said.passed {
            assert!(excess <= burst * 1000 + slack, "{number}: {excess}");
            bucket.charge(excess, said.ms);
            continue;
        }
        assert!(excess + slack > burst * 1000, "{number}: {excess}");
        let logged = said.excess.expect("a refusal is logged");
        let apart = excess.abs_diff(logged);
        assert!(apart <= slack, "{number}: {excess}, but {logged} is logged");
    }
}

#[test]
fn the_excess_in_the_log_is_what_our_machine_makes_of_the_times() {
    for (path, rate, burst) in [
        ("seconds", Rate::per_second(40), 4),
        ("minutes", Rate::per_minute(500), 2),
    ] {
        assert_exact(&play(Server::nginx(HTTP), path), rate, burst);
        assert_exact(&play(Server::gateway(HTTP), path), rate, burst);
    }
}
