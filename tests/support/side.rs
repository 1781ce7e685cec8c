//! One side of a comparison: which server, on which addresses, with which configuration.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::h2::CALL;
use super::outcome::LOG_FORMAT;
use super::process::Process;
use super::scenario::{Request, Scenario, server_letter};
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
        SocketAddr::new(ip(self.number, 0), 8000 + self.round)
    }

    /// Where clients who speak HTTP/2 connect.
    fn front_h2(self) -> SocketAddr {
        SocketAddr::new(ip(self.number, 0), 9000 + self.round)
    }

    /// Where the client of a request connects.
    pub(crate) fn front_for(self, request: &Request) -> SocketAddr {
        match request.method.as_str() {
            CALL => self.front_h2(),
            _ => self.front(),
        }
    }

    /// The address of a peer of the scenario with this index: the sides' own, or where addresses
    /// matter the same on both.
    pub(crate) fn peer(self, scenario: &Scenario, index: usize, letter: char) -> SocketAddr {
        let index = u16::try_from(index).expect("few scenarios a round") % BACKENDS_PER_ROUND;
        let port = 10_000 + self.round % 30 * BACKENDS_PER_ROUND + index;
        let number = match scenario.hashes_addresses() {
            true => 0,
            false => self.number,
        };
        SocketAddr::new(ip(number, letter as u8 - b'A' + 1), port)
    }

    /// The letter of a peer in `$upstream_addr`.
    pub(crate) fn letter(self, scenario: &Scenario, index: usize, address: &str) -> String {
        if address == format!("u{index}") {
            return "u".to_owned();
        }
        ('A'..='Z')
            .find(|letter| address == self.peer(scenario, index, *letter).to_string())
            .map_or_else(|| format!("?{address}"), String::from)
    }

    fn http(self, scenarios: &[Scenario]) -> String {
        let (mut zones, mut upstreams) = (String::new(), String::new());
        let mut locations = String::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            let _ = writeln!(upstreams, "upstream u{index} {{");
            for line in &scenario.upstream {
                let _ = match server_letter(line) {
                    Some(letter) => {
                        let rest = &line["server X".len()..];
                        let peer = self.peer(scenario, index, letter);
                        writeln!(upstreams, "    server {peer}{rest}")
                    }
                    None => writeln!(upstreams, "    {line}"),
                };
            }
            upstreams.push_str("}\n");
            let pass = match scenario.grpc() {
                true => "grpc_pass grpc",
                false => "proxy_pass http",
            };
            let _ = writeln!(
                locations,
                "    location /{}/ {{\n        {pass}://u{index};",
                scenario.path()
            );
            for line in &scenario.zones {
                let _ = writeln!(zones, "{}", own_zones(line, index));
            }
            for line in scenario
                .location
                .iter()
                .filter(|line| *line != "grpc_pass;")
            {
                let _ = writeln!(locations, "        {}", own_zones(line, index));
            }
            locations.push_str("    }\n");
        }
        let http2 = match scenarios.iter().any(Scenario::grpc) {
            true => format!("listen {} http2;", self.front_h2()),
            false => String::new(),
        };
        format!(
            "{LOG_FORMAT}\naccess_log access.log parity;\n{zones}{upstreams}\
             server {{\n    listen {}; {http2}\n    set_real_ip_from 127.0.0.0/8;\n    \
             real_ip_header X-Client;\n{locations}}}\n",
            self.front()
        )
    }
}

/// A line about limits, its zone named for the scenario with this index.
fn own_zones(line: &str, index: usize) -> String {
    match line.strip_prefix("limit_conn ") {
        Some(rest) => format!("limit_conn u{index}-{rest}"),
        None if line.starts_with("limit_") => line.replace("zone=", &format!("zone=u{index}-")),
        None => line.to_owned(),
    }
}

/// Each process of this test and each side of it has its own 32 addresses; 0 is both sides'.
fn ip(side: u8, host: u8) -> IpAddr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 100 | (high & 1), low, side * 32 + host))
}
