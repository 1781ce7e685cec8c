use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::config::{ConfigError, GroupConfig, Server};
use super::engine::Endpoint;
use super::exchange::HttpEndpoint;
use crate::balance::{PeerConfig, PeerState, Peers, Roster};
use crate::connect::Address;
use crate::pool::Pool;
use crate::retry::attempt::AttemptBody;

/// An upstream block at run time: what is known of its peers, and the idle connections to them.
///
/// Clones are the same group. Many [`Upstream`](crate::Upstream)s, each with its own
/// [`Proxy`](crate::Proxy), may share one.
#[derive(Clone)]
pub struct Group(Arc<Inner>);

struct Inner {
    config: GroupConfig,
    primary: Vec<Peer>,
    backup: Vec<Peer>,
    host: HeaderValue,
    name: Arc<str>,
    roster: Arc<Roster>,
    pool: Arc<Pool<AttemptBody>>,
}

#[derive(Clone)]
struct Peer {
    address: Address,
    name: Arc<str>,
    config: PeerConfig,
}

/// A peer of a group as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSnapshot {
    /// Its address, as logs show it.
    pub address: String,
    /// What the failure rules know of it.
    pub state: PeerState,
}

impl Group {
    /// Resolves the names of a configuration and starts without a past. Blocks while it resolves, as
    /// NGINX does at start.
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, at once.
    pub fn new(config: GroupConfig) -> Result<Self, ConfigError> {
        let mut problems = config.problems();
        let (mut primary, mut backup) = (Vec::new(), Vec::new());
        // What DNS has yet to tell joins later.
        for server in config.servers.iter().filter(|s| !s.follows_dns()) {
            let list = if server.backup {
                &mut backup
            } else {
                &mut primary
            };
            match Address::resolve(&server.address) {
                Ok(found) => {
                    list.extend(found.into_iter().map(|address| Peer::new(server, address)))
                }
                Err(problem) => problems.push(problem),
            }
        }
        let host = match HeaderValue::from_str(&config.name) {
            Ok(host) => host,
            Err(_) => {
                problems.push(format!("\"{}\" cannot be a Host header", config.name));
                HeaderValue::from_static("")
            }
        };
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        Ok(Self(Arc::new(Inner {
            roster: Arc::new(roster(&config, &primary, &backup)),
            pool: Arc::new(Pool::new(config.keepalive.clone())),
            name: config.name.as_str().into(),
            config,
            primary,
            backup,
            host,
        })))
    }

    /// The same block for another worker: connections of its own, and what is known of the peers
    /// shared only if the block says so ([`zone`](GroupConfig::zone), ST-3).
    pub fn worker(&self) -> Self {
        let inner = &*self.0;
        let roster = match inner.config.zone {
            true => Arc::clone(&inner.roster),
            false => Arc::new(roster(&inner.config, &inner.primary, &inner.backup)),
        };
        Self(Arc::new(Inner {
            config: inner.config.clone(),
            primary: inner.primary.clone(),
            backup: inner.backup.clone(),
            host: inner.host.clone(),
            name: Arc::clone(&inner.name),
            roster,
            pool: Arc::new(Pool::new(inner.config.keepalive.clone())),
        }))
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it was built from.
    pub fn config(&self) -> &GroupConfig {
        &self.0.config
    }

    /// Every peer as it stands, primaries first.
    pub fn snapshot(&self) -> Vec<PeerSnapshot> {
        let names = self.0.primary.iter().chain(&self.0.backup);
        let states = self.0.roster.states();
        names
            .zip(states)
            .map(|(peer, state)| PeerSnapshot {
                address: peer.name.to_string(),
                state,
            })
            .collect()
    }

    /// Connections kept idle, for all peers together.
    pub fn idle_connections(&self) -> usize {
        self.0.pool.len()
    }

    pub(super) fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.0.roster)
    }

    pub(super) fn host(&self) -> &HeaderValue {
        &self.0.host
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// Primaries and backups as services.
    pub(super) fn endpoints(&self) -> [Vec<Endpoint<HttpEndpoint>>; 2] {
        let Inner {
            primary,
            backup,
            pool,
            ..
        } = &*self.0;
        let peers = || primary.iter().chain(backup);
        // Connections belong to an address, whichever lines name it (KA-1).
        let key = |address: &Address| peers().position(|peer| peer.address == *address);
        let endpoint = |peer: &Peer| Endpoint {
            name: Arc::clone(&peer.name),
            service: HttpEndpoint::new(
                peer.address.clone(),
                key(&peer.address).unwrap_or_default(),
                Arc::clone(pool),
            ),
        };
        let mut all: Vec<_> = peers().map(endpoint).collect();
        let backup = all.split_off(primary.len());
        [all, backup]
    }
}

impl Peer {
    fn new(server: &Server, address: Address) -> Self {
        Self {
            name: address.to_string().into(),
            address,
            config: PeerConfig {
                weight: server.weight,
                max_fails: server.max_fails,
                fail_timeout: server.fail_timeout.as_secs(),
                max_conns: server.max_conns,
                down: server.down,
            },
        }
    }
}

fn roster(config: &GroupConfig, primary: &[Peer], backup: &[Peer]) -> Roster {
    let configs = |peers: &[Peer]| peers.iter().map(|peer| peer.config).collect::<Vec<_>>();
    Roster::new(
        Peers::new(&configs(primary), &configs(backup)),
        config.semantics,
    )
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
