//! One side of a comparison: which server, on which addresses, with which configuration.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::outcome::LOG_FORMAT;
use super::process::Process;
use super::scenario::{Scenario, server_letter};
use super::{gateway, nginx};

/// The servers there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Nginx,
    Gateway,
}

/// A server and its corner of the loopback network, where nobody else takes a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) kind: Kind,
    /// 1 or 2.
    number: u8,
    /// Rounds have ports of their own, so that nothing of an older one answers.
    round: u16,
}

const BACKENDS_PER_ROUND: u16 = 1500;

impl Side {
    pub(crate) fn new(kind: Kind, number: u8, round: u16) -> Self {
        Self {
            kind,
            number,
            round,
        }
    }

    /// Starts the server with an upstream and a location for each scenario.
    pub(crate) fn start(self, scenarios: &[Scenario]) -> Process {
        let http = self.http(scenarios);
        match self.kind {
            Kind::Nginx => nginx::start(&http, self.front()),
            Kind::Gateway => gateway::start(&http, self.front()),
        }
    }

    /// Where clients connect.
    pub(crate) fn front(self) -> SocketAddr {
        SocketAddr::new(self.ip(0), 8000 + self.round)
    }

    /// The address of a peer of the scenario with this index.
    pub(crate) fn peer(self, scenario: usize, letter: char) -> SocketAddr {
        let index = u16::try_from(scenario).expect("few scenarios a round") % BACKENDS_PER_ROUND;
        let port = 10_000 + self.round % 30 * BACKENDS_PER_ROUND + index;
        SocketAddr::new(self.ip(letter as u8 - b'A' + 1), port)
    }

    /// The letter of a peer in `$upstream_addr`.
    pub(crate) fn letter(self, scenario: usize, address: &str) -> String {
        if address == format!("u{scenario}") {
            return "u".to_owned();
        }
        ('A'..='Z')
            .find(|letter| address == self.peer(scenario, *letter).to_string())
            .map_or_else(|| format!("?{address}"), String::from)
    }

    /// Each process of this test and each side of it has its own 32 addresses.
    fn ip(self, host: u8) -> IpAddr {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(
            127,
            100 | (high & 1),
            low,
            self.number * 32 + host,
        ))
    }

    fn http(self, scenarios: &[Scenario]) -> String {
        let mut upstreams = String::new();
        let mut locations = String::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            let _ = writeln!(upstreams, "upstream u{index} {{");
            for line in &scenario.upstream {
                let _ = match server_letter(line) {
                    Some(letter) => {
                        let rest = &line["server X".len()..];
                        writeln!(upstreams, "    server {}{rest}", self.peer(index, letter))
                    }
                    None => writeln!(upstreams, "    {line}"),
                };
            }
            upstreams.push_str("}\n");
            let _ = writeln!(
                locations,
                "    location /{index}/ {{\n        proxy_pass http://u{index};"
            );
            for line in &scenario.location {
                let _ = writeln!(locations, "        {line}");
            }
            locations.push_str("    }\n");
        }
        format!(
            "{LOG_FORMAT}\naccess_log access.log parity;\n{upstreams}\
             server {{\n    listen {};\n{locations}}}\n",
            self.front()
        )
    }
}
