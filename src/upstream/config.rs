//! Plain values with every default in one place.
//!
//! | value | default | NGINX word |
//! | --- | --- | --- |
//! | [`Server::weight`] | 1 | `weight=` |
//! | [`Server::max_fails`] | 1 | `max_fails=` |
//! | [`Server::fail_timeout`] | 10 s | `fail_timeout=` |
//! | [`Server::max_conns`] | 0, no limit | `max_conns=` |
//! | [`Keepalive::connections`] | 0, no cache | `keepalive` |
//! | [`Keepalive::requests`] | 1000 | `keepalive_requests` |
//! | [`Keepalive::time`] | 1 h | `keepalive_time` |
//! | [`Keepalive::timeout`] | 60 s | `keepalive_timeout` |
//! | [`Proxy::connect_timeout`] | 60 s | `proxy_connect_timeout` |
//! | [`Proxy::send_timeout`] | 60 s | `proxy_send_timeout` |
//! | [`Proxy::read_timeout`] | 60 s | `proxy_read_timeout` |
//! | [`Proxy::next_upstream`] | `error timeout` | `proxy_next_upstream` |
//! | [`Proxy::next_upstream_tries`] | 0, no cap | `proxy_next_upstream_tries` |
//! | [`Proxy::next_upstream_timeout`] | 0, no limit | `proxy_next_upstream_timeout` |
//! | [`Proxy::request_buffering`] | replay up to 64 KiB | `proxy_request_buffering` (there `on`) |
//! | [`Proxy::buffer_size`] | 4096 bytes | `proxy_buffer_size` |
//! | [`Proxy::request_timeout`] | none | - |

use std::fmt;
use std::time::Duration;

#[cfg(feature = "http")]
pub use crate::pool::Keepalive;
use crate::retry::NextUpstream;
pub use crate::retry::RequestBuffering;
pub use crate::semantics::Semantics;

/// One `server` line of an upstream block. A name with several addresses becomes several peers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Server {
    /// `host:port`, `host` (port 80), `[v6]:port` or `unix:/path`. Names are resolved once, at build.
    pub address: String,
    /// Share of traffic, at least 1.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub weight: u32,
    /// Failures that take the peer out; 0 never does.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub max_fails: u32,
    /// How long a peer that reached `max_fails` is left alone. Whole seconds.
    #[cfg_attr(feature = "serde", serde(default = "ten_seconds"))]
    pub fail_timeout: Duration,
    /// Attempts in flight at once; 0 is no limit.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_conns: u32,
    /// Used only when no other peer may be.
    #[cfg_attr(feature = "serde", serde(default))]
    pub backup: bool,
    /// Never used, yet still part of the group.
    #[cfg_attr(feature = "serde", serde(default))]
    pub down: bool,
}

#[cfg(feature = "serde")]
fn one() -> u32 {
    1
}

#[cfg(feature = "serde")]
fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

impl Server {
    /// A server with NGINX's defaults.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            weight: 1,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            max_conns: 0,
            backup: false,
            down: false,
        }
    }

    /// Share of traffic, default 1, at least 1 (`weight=`).
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Failures that take the peer out, default 1; 0 never does (`max_fails=`).
    pub fn max_fails(mut self, max_fails: u32) -> Self {
        self.max_fails = max_fails;
        self
    }

    /// How long a failed peer is left alone, default 10 s, whole seconds (`fail_timeout=`).
    pub fn fail_timeout(mut self, fail_timeout: Duration) -> Self {
        self.fail_timeout = fail_timeout;
        self
    }

    /// Attempts in flight at once, default 0: no limit (`max_conns=`).
    pub fn max_conns(mut self, max_conns: u32) -> Self {
        self.max_conns = max_conns;
        self
    }

    /// Used only when no primary may be (`backup`).
    pub fn backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// Never used, yet still part of the group (`down`).
    pub fn down(mut self) -> Self {
        self.down = true;
        self
    }
}

/// An upstream block: who the peers are and which connections to them are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct GroupConfig {
    /// The group's name: default `Host`, and what a request without any live peer reports.
    pub name: String,
    /// The peers, in order.
    pub servers: Vec<Server>,
    /// The idle connections kept.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keepalive: Keepalive,
    /// State shared by all workers (`zone`); without it each [`worker`](crate::Group::worker) learns alone.
    #[cfg_attr(feature = "serde", serde(default))]
    pub zone: bool,
    /// NGINX's rules or the repaired ones.
    #[cfg_attr(feature = "serde", serde(default))]
    pub semantics: Semantics,
}

impl GroupConfig {
    /// A group without servers.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            servers: Vec::new(),
            keepalive: Keepalive::default(),
            zone: false,
            semantics: Semantics::Nginx,
        }
    }
}

/// How requests are sent to a group: the `proxy_*` directives of one location.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Proxy {
    /// From the first packet to a connection (TO-1). Zero expires at once.
    pub connect_timeout: Duration,
    /// Longest gap between two writes of a request (TO-2). Zero expires at once.
    pub send_timeout: Duration,
    /// From the request's last byte to the end of the response header, then between two reads of
    /// the body (TO-3, TO-4). Zero expires at once.
    pub read_timeout: Duration,
    /// What sends a request to the next peer.
    pub next_upstream: NextUpstream,
    /// Attempts in total; 0 is no cap (TR-2).
    pub next_upstream_tries: u32,
    /// Time after which no further attempt is begun; zero is no limit (TR-3).
    pub next_upstream_timeout: Duration,
    /// How request bodies are taken in.
    pub request_buffering: RequestBuffering,
    /// Largest response header in bytes; more is `invalid_header` (RS-3).
    pub buffer_size: usize,
    /// Limit on everything, attempts, waiting and body included. Not in NGINX.
    pub request_timeout: Option<Duration>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(60),
            next_upstream: NextUpstream::default(),
            next_upstream_tries: 0,
            next_upstream_timeout: Duration::ZERO,
            request_buffering: RequestBuffering::default(),
            buffer_size: 4096,
            request_timeout: None,
        }
    }
}

/// Everything wrong with a configuration, in order of appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    pub(crate) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// One line per problem; those from a file begin with its name, line and column.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl GroupConfig {
    /// Every reason why this group cannot be built, in NGINX's words where it has them.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.servers.is_empty() {
            problems.push(format!("no servers are inside upstream \"{}\"", self.name));
        } else if self.servers.iter().all(|s| s.backup) {
            problems.push(format!("no servers in upstream \"{}\"", self.name));
        }
        for server in &self.servers {
            let at = &server.address;
            if server.weight == 0 {
                problems.push(format!(
                    "invalid parameter \"weight=0\" of server \"{at}\": at least 1"
                ));
            }
            if server.fail_timeout.subsec_nanos() != 0 {
                problems.push(format!(
                    "invalid parameter \"fail_timeout={:?}\" of server \"{at}\": whole seconds only",
                    server.fail_timeout
                ));
            }
        }
        problems
    }
}
