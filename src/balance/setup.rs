use std::sync::Arc;

use super::affinity::Route;
use super::cap::EjectionCap;
use super::method::Method;
use super::slow_start::SlowStart;
use crate::breaker::{FailureRules, SlowFault};
use crate::semantics::Semantics;

/// The rules of a group, the same for all its peers.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// How a peer is chosen.
    pub method: Method,
    /// When one is left alone.
    pub failure_rule: FailureRules,
    /// How many at once.
    pub cap: Option<EjectionCap>,
    /// When one that keeps requests waiting is suspected.
    pub slow_fault: Option<SlowFault>,
    /// How one that joins or returns comes up to its share.
    pub slow_start: Option<SlowStart>,
    /// The failure rule, the cap and the slow-fault rule only count what they would do.
    pub shadow: bool,
    /// Which rules decide where NGINX's own behaviour is hazardous.
    pub semantics: Semantics,
    /// What draws by chance begin with.
    pub seed: u64,
}

/// What configuration says of one peer: the parameters of a `server` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Share of traffic, at least 1 (`weight`, default 1).
    pub weight: u32,
    /// Failures that take it out; 0 never does (`max_fails`, default 1).
    pub max_fails: u32,
    /// Seconds it is then left alone (`fail_timeout`, default 10).
    pub fail_timeout: u64,
    /// Attempts in flight at once; 0 is no limit (`max_conns`).
    pub max_conns: u32,
    /// Never chosen, yet counted as part of the group (`down`).
    pub down: bool,
    /// Chosen only by requests bound to it (`drain`, SK-6).
    pub drain: bool,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            weight: 1,
            max_fails: 1,
            fail_timeout: 10,
            max_conns: 0,
            down: false,
            drain: false,
        }
    }
}

/// One peer as a member of a group. What is known of it survives a change of the group as long as
/// its name, its origin and its list stay the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its address, as logs show it.
    pub name: Arc<str>,
    /// The `server` argument it comes from, as written; the ring of
    /// [`ConsistentHash`](Method::ConsistentHash) hashes it (CH-1).
    pub origin: Arc<str>,
    /// What requests bound to it call it (SK-1).
    pub route: Option<Route>,
    /// For when no primary may be chosen (`backup`).
    pub backup: bool,
    /// Its parameters.
    pub config: PeerConfig,
    /// What active checks say of it when it joins, if they do; later it is
    /// [`set_health`](super::Roster::set_health) that counts.
    pub healthy: Option<bool>,
}

impl Member {
    /// A primary with NGINX's defaults.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        Self {
            origin: Arc::clone(&name),
            name,
            route: None,
            backup: false,
            config: PeerConfig::default(),
            healthy: None,
        }
    }
}
