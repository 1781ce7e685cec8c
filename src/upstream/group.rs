use std::fmt;
use std::sync::Arc;
#[cfg(feature = "tls")]
use std::sync::{Mutex, PoisonError, Weak};

use http::{HeaderMap, HeaderValue, Uri};

use super::config::{ConfigError, GroupConfig};
use super::engine::Endpoints;
use super::exchange::HttpEndpoint;
use super::members::Members;
use super::registry::Registry;
use super::sticky::{Desk, Head, Visit};
use crate::balance::PeerState;
#[cfg(feature = "tls")]
use crate::connect::Tls;
use crate::pool::Pool;
use crate::retry::Budget;
use crate::retry::attempt::AttemptBody;

/// An upstream block at run time: what is known of its peers, and the idle connections to them.
///
/// Clones are the same group. Many [`Upstream`](crate::Upstream)s, each with its own
/// [`Proxy`](crate::Proxy), may share one.
#[derive(Clone)]
pub struct Group(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) block: Arc<Block>,
    config: Arc<GroupConfig>,
    roster: Arc<Endpoints<HttpEndpoint>>,
    pool: Arc<Pool<AttemptBody>>,
    /// Those over TLS, for as long as somebody uses them.
    #[cfg(feature = "tls")]
    secure: Mutex<Vec<(Tls, Weak<Pool<AttemptBody>>)>>,
}

/// What all workers share.
pub(super) struct Block {
    host: HeaderValue,
    name: Arc<str>,
    pub(super) budget: Option<Budget>,
    pub(super) desk: Option<Arc<Desk>>,
    pub(super) members: Members,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.members.abandon();
    }
}

/// A peer of a group as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSnapshot {
    /// Its address, as logs show it.
    pub address: String,
    /// What is known of it.
    pub state: PeerState,
}

impl Group {
    /// Resolves the names of a configuration and starts without a past. Blocks while it resolves, as
    /// NGINX does at start; servers with [`resolve`](crate::Server::resolve) come later, when DNS has
    /// told of them.
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, at once.
    pub fn new(config: GroupConfig) -> Result<Self, ConfigError> {
        let budget = config.retry_budget.map(Budget::from);
        Self::with_budget(config, budget)
    }

    /// The same, with a budget that others may share, in place of the configuration's.
    pub(super) fn with_budget(
        config: GroupConfig,
        budget: Option<Budget>,
    ) -> Result<Self, ConfigError> {
        Self::with(config, budget, None)
    }

    /// The same, with sessions that were there before.
    pub(super) fn with(
        config: GroupConfig,
        budget: Option<Budget>,
        desk: Option<Arc<Desk>>,
    ) -> Result<Self, ConfigError> {
        let mut problems = config.problems();
        let registry = Registry::new(&config, &mut problems);
        let desk = desk.or_else(|| {
            // What is wrong with it is among the problems already.
            let desk = Desk::new(config.sticky.as_ref()?, config.semantics);
            desk.ok().map(Arc::new)
        });
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
        let block = Arc::new(Block {
            members: Members::new(registry),
            name: config.name.as_str().into(),
            host,
            budget,
            desk,
        });
        let roster = block.members.roster();
        Ok(Self::view(block, Arc::new(config), roster))
    }

    pub(super) fn view(
        block: Arc<Block>,
        config: Arc<GroupConfig>,
        roster: Arc<Endpoints<HttpEndpoint>>,
    ) -> Self {
        let pool = Arc::new(Pool::new(config.keepalive.clone()));
        block.members.watch_pool(&pool);
        Self(Arc::new(Inner {
            block,
            config,
            roster,
            pool,
            #[cfg(feature = "tls")]
            secure: Mutex::default(),
        }))
    }

    /// The same block for another worker: connections of its own, and what is known of the peers
    /// shared only if the block says so ([`zone`](GroupConfig::zone), ST-3). Membership is one, and so
    /// are the sessions of [`sticky`](GroupConfig::sticky).
    pub fn worker(&self) -> Self {
        let roster = match self.config().zone {
            true => Arc::clone(&self.0.roster),
            false => self.0.block.members.roster(),
        };
        Self::view(
            Arc::clone(&self.0.block),
            Arc::clone(&self.0.config),
            roster,
        )
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        &self.0.block.name
    }

    /// What it was built from.
    pub fn config(&self) -> &GroupConfig {
        &self.0.config
    }

    /// Who belongs to it, to be read and changed while requests are under way.
    pub fn members(&self) -> Members {
        self.0.block.members.clone()
    }

    /// Every peer as it stands, primaries first.
    pub fn snapshot(&self) -> Vec<PeerSnapshot> {
        let states = self.0.roster.states().into_iter();
        let peers = states.map(|state| PeerSnapshot {
            address: state.name.to_string(),
            state,
        });
        peers.collect()
    }

    /// What a request says of where it belongs, by [`sticky`](GroupConfig::sticky); `None` in groups
    /// without. [`Upstream`](crate::Upstream) sees to it by itself: this is for callers who change
    /// the request first.
    pub fn visit(&self, uri: &Uri, headers: &HeaderMap) -> Option<Visit> {
        let desk = self.desk()?;
        Some(desk.visit(Head { uri, headers }))
    }

    /// Connections kept idle, for all peers together; those over TLS are not among them.
    pub fn idle_connections(&self) -> usize {
        self.0.pool.len()
    }

    /// What retries and hedges are paid out of, if anything limits them.
    pub fn budget(&self) -> Option<Budget> {
        self.0.block.budget.clone()
    }

    pub(super) fn roster(&self) -> Arc<Endpoints<HttpEndpoint>> {
        Arc::clone(&self.0.roster)
    }

    pub(super) fn pool(&self) -> Arc<Pool<AttemptBody>> {
        Arc::clone(&self.0.pool)
    }

    /// What knows its sessions, if it would serve a group of this configuration as well.
    pub(super) fn desk_for(&self, config: &GroupConfig) -> Option<Arc<Desk>> {
        let own = self.config();
        let same = (&own.sticky, own.semantics) == (&config.sticky, config.semantics);
        self.desk().filter(|_| same).cloned()
    }

    pub(super) fn desk(&self) -> Option<&Arc<Desk>> {
        self.0.block.desk.as_ref()
    }

    /// The idle connections over `tls`: nothing else may use them, and they serve nothing else.
    #[cfg(feature = "tls")]
    pub(super) fn pool_over(&self, tls: &Tls) -> Arc<Pool<AttemptBody>> {
        let mut secure = self.0.secure.lock().unwrap_or_else(PoisonError::into_inner);
        secure.retain(|(_, pool)| pool.strong_count() > 0);
        let known = secure.iter().find(|(other, _)| other.is(tls));
        if let Some(pool) = known.and_then(|(_, pool)| pool.upgrade()) {
            return pool;
        }
        let pool = Arc::new(Pool::new(self.config().keepalive.clone()));
        self.0.block.members.watch_pool(&pool);
        secure.push((tls.clone(), Arc::downgrade(&pool)));
        pool
    }

    pub(super) fn host(&self) -> &HeaderValue {
        &self.0.block.host
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.block.name)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("config", self.config())
            .finish_non_exhaustive()
    }
}
