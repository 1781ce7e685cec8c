//! The limits of a scenario, from its lines.

use std::net::{IpAddr, Ipv4Addr};

use crate::support::scenario::{Request, Scenario};
use crate::support::script::Script;

/// One `limit_req` with the rate of its zone, in thousandths (LR-1).
pub(super) struct Rate {
    pub(super) key: String,
    pub(super) rate: u64,
    pub(super) burst: u64,
    pub(super) delay: u64,
}

/// One `limit_conn` with the key of its zone.
pub(super) struct Connections {
    pub(super) key: String,
    pub(super) most: usize,
}

/// All limits of a location, and how long its peer takes.
pub(super) struct Limits {
    pub(super) rates: Vec<Rate>,
    pub(super) connections: Vec<Connections>,
    /// `limit_req_dry_run`, `limit_conn_dry_run`.
    pub(super) dry: [bool; 2],
    /// `limit_req_status`, `limit_conn_status`.
    pub(super) statuses: [u16; 2],
    /// Milliseconds.
    pub(super) service: u64,
}

/// # Panics
///
/// When the scenario is none about limits.
pub(super) fn limits(scenario: &Scenario) -> Limits {
    let lines = || scenario.location.iter().map(|line| words(line));
    let of = |name: &'static str| lines().filter(move |words| words[0] == name);
    let on = |name| of(name).any(|words| words[1] == "on");
    let status = |name| of(name).next().map_or(503, |words| number(words[1]));
    Limits {
        rates: of("limit_req")
            .map(|words| rate(scenario, &words))
            .collect(),
        connections: of("limit_conn")
            .map(|words| Connections {
                key: zone(scenario, words[1])[1].to_owned(),
                most: number(words[2]),
            })
            .collect(),
        dry: [on("limit_req_dry_run"), on("limit_conn_dry_run")],
        statuses: [status("limit_req_status"), status("limit_conn_status")],
        service: service(scenario),
    }
}

/// What a key of variables is for a request.
pub(super) fn value(key: &str, request: &Request) -> String {
    let arg = request.key.clone().unwrap_or_default();
    let client = request.client.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    key.replace("$arg_k", &arg)
        .replace("$binary_remote_addr", &client.to_string())
        .replace("$host", "parity")
}

fn rate(scenario: &Scenario, words: &[&str]) -> Rate {
    let named = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
    let zone = zone(scenario, named("zone=").expect("limit_req zone=NAME"));
    let text = zone.iter().find_map(|word| word.strip_prefix("rate="));
    let (count, unit) = text
        .and_then(|r| r.split_once('r'))
        .expect("rate=NUMBERr/UNIT");
    let seconds = if unit == "/m" { 60 } else { 1 };
    let delay = match words.contains(&"nodelay") {
        true => u64::MAX,
        false => named("delay=").map_or(0, number::<u64>) * 1000,
    };
    Rate {
        key: zone[1].to_owned(),
        rate: number::<u64>(count) * 1000 / seconds,
        burst: named("burst=").map_or(0, number::<u64>) * 1000,
        delay,
    }
}

/// The words of the line that makes a zone.
fn zone<'a>(scenario: &'a Scenario, name: &str) -> Vec<&'a str> {
    let mut zones = scenario.zones.iter().map(|line| words(line));
    let named = format!("zone={name}:");
    zones
        .find(|words| words.iter().any(|word| word.starts_with(&named)))
        .unwrap_or_else(|| panic!("no zone {name}"))
}

fn service(scenario: &Scenario) -> u64 {
    let peers = scenario.steps.iter().flat_map(|step| &step.peers);
    let script = peers.map(|(_, script)| script).next();
    match script {
        Some(Script::Serve(replies)) => replies[0].after,
        _ => 0,
    }
}

fn words(line: &str) -> Vec<&str> {
    line.trim_end_matches(';').split(' ').collect()
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    text.parse()
        .unwrap_or_else(|_| panic!("\"{text}\" is no number"))
}
