use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::changes::Changes;
use super::config::{ConfigError, Server};
use super::engine::Endpoints;
use super::exchange::HttpEndpoint;
use super::registry::{Found, Registry, checked};
use crate::balance::Roster;
use crate::connect::Address;
use crate::pool::Pool;
use crate::retry::attempt::AttemptBody;

/// Who belongs to a group. A change is seen by all workers, by each at once and as a whole: what is
/// known of servers that stay is kept, newcomers have no past, requests in flight finish where they
/// are. Under [`Semantics::Nginx`](crate::Semantics::Nginx) a request that wants another server after
/// a change gets none, as in NGINX (DN-3); under [`Strict`](crate::Semantics::Strict) it chooses
/// among those there are now. Connections to servers that are gone are closed, idle ones at once,
/// the others with their answer.
///
/// Clones are the same handle. It does not keep the group alive.
///
/// | who belongs | is told by | choose it when |
/// | --- | --- | --- |
/// | always the same | [`Builder::server`](crate::Builder::server) | addresses outlive the process |
/// | whom your code says | this handle | something of yours knows: a control plane, a file, an operator |
/// | whom a stream says | [`discover::Follower`](crate::discover::Follower), feature `discover` | there is a [`Discover`](https://docs.rs/tower/latest/tower/discover/trait.Discover.html) already |
/// | whom DNS says | [`dns::Follower`](crate::dns::Follower), feature `dns` | names have A, AAAA or SRV records that change |
///
/// The followers keep the servers of the configuration and replace all others; a group has one of
/// them. Without [`dynamic`](crate::GroupConfig::dynamic) a group must begin with a server.
///
/// ```
/// use tower_upstream::{Server, Upstream};
///
/// let orders = Upstream::builder().server(Server::new("10.0.1.10:8080")).build()?;
/// let members = orders.group().members();
/// // One more, with twice the share.
/// members.insert(Server::new("10.0.1.11:8080").weight(2))?;
/// // The first is to be stopped: nothing new for it, and then it goes.
/// assert!(members.drain("10.0.1.10:8080", true));
/// assert!(members.remove("10.0.1.10:8080"));
/// // All of them at once; whoever was there keeps what is known of it.
/// members.set(vec![Server::new("10.0.1.11:8080"), Server::new("10.0.1.12:8080").backup()])?;
/// let now = orders.group().snapshot();
/// assert_eq!((now.len(), &*now[0].address, now[1].state.backup), (2, "10.0.1.11:8080", true));
///
/// // What makes no sense changes nothing.
/// let problem = members.insert(Server::new("orders.internal:8080")).unwrap_err();
/// assert_eq!(problem.problems(), ["\"orders.internal:8080\" is a name; an address is needed here"]);
/// assert_eq!(members.servers().len(), 2);
/// # Ok::<(), tower_upstream::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Members(Arc<Mutex<Registry>>);

impl Members {
    pub(super) fn new(registry: Registry) -> Self {
        Self(Arc::new(Mutex::new(registry)))
    }

    /// The peers without a past, told of every change.
    pub(super) fn roster(&self) -> Arc<Endpoints<HttpEndpoint>> {
        let mut registry = self.lock();
        let mut setup = registry.setup.clone();
        // Workers that drew alike would all go to the same peers.
        setup.seed = fastrand::u64(..);
        let roster = Arc::new(Roster::new(setup, registry.first()));
        registry.rosters.push(Arc::downgrade(&roster));
        roster
    }

    pub(super) fn watch_pool(&self, pool: &Arc<Pool<AttemptBody>>) {
        let pools = &mut self.lock().pools;
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }

    /// Those that the configuration has addresses for, and that no source speaks of.
    #[cfg(any(feature = "discover", feature = "dns"))]
    pub(crate) fn fixed(&self) -> Vec<Server> {
        self.lock().fixed.clone()
    }

    /// The servers now, each with one address.
    pub fn servers(&self) -> Vec<Server> {
        let registry = self.lock();
        let servers = registry.servers.iter();
        servers
            .map(|(server, address)| server.at(address))
            .collect()
    }

    /// To be woken by changes, and by the end of the group.
    pub fn changes(&self) -> Changes {
        self.lock().news.listen()
    }

    /// The group is gone; changes reach nobody.
    pub fn is_orphaned(&self) -> bool {
        self.lock().news.is_gone()
    }

    /// Ends with the group.
    #[cfg(any(feature = "discover", feature = "dns"))]
    pub(crate) fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.changes();
        async move { while changes.next().await {} }
    }

    /// Those that a source speaks of, be it DNS or somebody who has this handle.
    pub(super) fn told(&self) -> Vec<Found> {
        let registry = self.lock();
        let fixed = |(server, at): &&Found| registry.fixed.contains(&server.at(at));
        let told = registry.servers.iter().filter(|found| !fixed(found));
        told.cloned().collect()
    }

    /// Replaces those that the configuration has addresses for; `told` come behind them.
    pub(super) fn reconfigure(&self, fixed: Vec<Found>, told: Vec<Found>) {
        let mut registry = self.lock();
        registry.fixed = fixed.iter().map(|(line, found)| line.at(found)).collect();
        registry.servers = [fixed, told].concat();
        registry.publish();
    }

    /// Adds those that a source spoke of before.
    pub(super) fn join(&self, told: Vec<Found>) {
        let mut registry = self.lock();
        if !told.is_empty() {
            registry.servers.extend(told);
            registry.publish();
        }
    }

    /// Nobody has the group any more.
    pub(super) fn abandon(&self) {
        self.lock().news.gone();
    }

    /// Replaces all of them, in this order. No server at all is no error: requests then find none.
    ///
    /// # Errors
    ///
    /// Parameters that make no sense and addresses that are not literal (`10.0.0.1:80`,
    /// `unix:/path`); then nothing is changed. Names belong to whoever looks them up, such as the
    /// feature `dns`.
    pub fn set(&self, servers: Vec<Server>) -> Result<(), ConfigError> {
        let servers = checked(servers)?;
        let mut registry = self.lock();
        registry.servers = servers;
        registry.publish();
        Ok(())
    }

    /// Adds a server, or replaces the one of the same address in the same list.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn insert(&self, server: Server) -> Result<(), ConfigError> {
        let added = checked(vec![server])?;
        let mut registry = self.lock();
        for (server, address) in added {
            let same = |(known, at): &(Server, Arc<Address>)| {
                *at == address && known.backup == server.backup
            };
            match registry.servers.iter().position(same) {
                Some(index) => registry.servers[index] = (server, address),
                None => registry.servers.push((server, address)),
            }
        }
        registry.publish();
        Ok(())
    }

    /// Removes every server of this address. False if there was none.
    pub fn remove(&self, address: &str) -> bool {
        let mut registry = self.lock();
        let before = registry.servers.len();
        registry
            .servers
            .retain(|(_, known)| known.to_string() != address);
        if registry.servers.len() == before {
            return false;
        }
        registry.publish();
        true
    }

    /// From now on the servers of this address get only requests that are bound to them (`drain`,
    /// SK-6), or, if `drain` is false, all again. False if there is none.
    pub fn drain(&self, address: &str, drain: bool) -> bool {
        let mut registry = self.lock();
        let known = registry.servers.iter_mut();
        let mut found = false;
        for (server, _) in known.filter(|(_, known)| known.to_string() == address) {
            (server.drain, found) = (drain, true);
        }
        if found {
            registry.publish();
        }
        found
    }

    /// What an active check says of the servers of this address, for all workers, those to come
    /// included; passive failures are counted beside it, and requests choose a server only when
    /// neither has anything against it. Nothing happens if there is none of this address. True when
    /// requests may choose it from now on, or no longer, as far as checks are concerned.
    /// [`health::Checks`](crate::health::Checks) says it by itself.
    pub fn set_health(&self, address: &str, healthy: bool) -> bool {
        self.lock().set_health(address, healthy)
    }

    /// The addresses that requests may go to, each once or more, and the lines they come from.
    pub(crate) fn in_use(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let members = self.lock().members().into_iter();
        let used = members.filter(|(member, _)| !member.config.down);
        used.map(|(member, _)| (member.name, member.origin))
            .collect()
    }

    /// Active checks begin, and end whoever checked before: if they are mandatory, nobody is healthy
    /// of whom nothing is known. The checker's number.
    pub(crate) fn begin_checks(&self, mandatory: bool) -> u64 {
        let mut registry = self.lock();
        let checker = registry.verdicts.begin(mandatory);
        registry.tell_all();
        registry.news.changed();
        checker
    }

    /// Whether nobody else has begun to check.
    pub(crate) fn is_checked_by(&self, checker: u64) -> bool {
        self.lock().verdicts.is_from(checker)
    }

    /// Nobody checks any more, unless somebody else has begun to.
    pub(crate) fn end_checks(&self, checker: u64) {
        let mut registry = self.lock();
        if registry.verdicts.is_from(checker) {
            registry.verdicts.end();
            registry.tell_all();
        }
    }

    /// Takes over what checks said of the same servers in the group before.
    pub(super) fn inherit_health(&self, before: &Self) {
        let verdicts = before.lock().verdicts.clone();
        let mut registry = self.lock();
        let names: HashSet<String> = registry.addresses().collect();
        registry
            .verdicts
            .inherit(verdicts, |name| names.contains(name));
        registry.tell_all();
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        // Lists are replaced whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.lock();
        let servers = registry
            .servers
            .iter()
            .map(|(_, address)| address.to_string());
        f.debug_list().entries(servers).finish()
    }
}
