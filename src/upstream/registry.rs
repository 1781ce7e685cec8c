use std::collections::HashSet;
use std::sync::{Arc, Weak};

use super::changes::News;
use super::config::{ConfigError, GroupConfig, Server};
use super::engine::{Endpoint, Endpoints};
use super::exchange::HttpEndpoint;
use super::sticky::server_id;
use super::verdicts::Verdicts;
use crate::balance::{Member, PeerConfig, Setup, Subset};
use crate::connect::Address;
use crate::pool::Pool;
use crate::retry::attempt::AttemptBody;

/// A server line and one of its addresses.
pub(super) type Found = (Server, Arc<Address>);

/// The members as they are now, and everybody who has to know.
pub(super) struct Registry {
    pub(super) setup: Setup,
    subset: Option<Subset>,
    pub(super) servers: Vec<Found>,
    /// Those that the configuration itself has addresses for.
    pub(super) fixed: Vec<Server>,
    pub(super) rosters: Vec<Weak<Endpoints<HttpEndpoint>>>,
    pub(super) pools: Vec<Weak<Pool<AttemptBody>>>,
    pub(super) verdicts: Verdicts,
    pub(super) news: News,
    /// What the rosters were told last.
    published: Vec<Member>,
}

impl Registry {
    pub(super) fn new(config: &GroupConfig, problems: &mut Vec<String>) -> Self {
        let servers = resolve(config, problems);
        Self {
            setup: Setup {
                method: config.method,
                failure_rule: config.failure_rule,
                cap: config.ejection_cap.under(config.semantics),
                slow_fault: config.slow_fault.under(config.semantics),
                slow_start: config.slow_start,
                shadow: config.shadow,
                semantics: config.semantics,
                // Every roster has its own.
                seed: 0,
            },
            subset: config.subset,
            fixed: servers.iter().map(|(line, found)| line.at(found)).collect(),
            servers,
            rosters: Vec::new(),
            pools: Vec::new(),
            verdicts: Verdicts::default(),
            news: News::new(),
            published: Vec::new(),
        }
    }

    /// What a new roster begins with.
    pub(super) fn first(&mut self) -> Vec<(Member, Arc<Endpoint<HttpEndpoint>>)> {
        let members = self.members();
        self.published = members.iter().map(|(member, _)| member.clone()).collect();
        members
    }

    /// What balances, in order; backups are no part of a subset.
    pub(super) fn members(&self) -> Vec<(Member, Arc<Endpoint<HttpEndpoint>>)> {
        let mut members: Vec<_> = self.servers.iter().map(member).collect();
        for (member, _) in &mut members {
            member.healthy = self.verdicts.of(&member.name);
        }
        if let Some(subset) = &self.subset {
            let primaries = members.iter().filter(|(member, _)| !member.backup);
            let names: Vec<_> = primaries.map(|(m, _)| Arc::clone(&m.name)).collect();
            let chosen: HashSet<usize> = subset.choose(&names).into_iter().collect();
            let mut primary = 0;
            members.retain(|(member, _)| {
                primary += usize::from(!member.backup);
                member.backup || chosen.contains(&(primary - 1))
            });
        }
        members
    }

    pub(super) fn publish(&mut self) {
        let before = std::mem::take(&mut self.published);
        let members = self.first();
        if before == self.published {
            // Under NGINX's semantics even that would cost requests in flight their next try (DN-3).
            return;
        }
        let names: HashSet<&str> = members.iter().map(|(member, _)| &*member.name).collect();
        self.verdicts.retain(|address| names.contains(address));
        let rosters = self.rosters.iter().filter_map(Weak::upgrade);
        rosters.for_each(|roster| roster.set(members.clone()));
        self.rosters.retain(|roster| roster.strong_count() > 0);
        let known = members
            .iter()
            .map(|(_, way)| Arc::clone(&way.service.address));
        let known: Arc<HashSet<_>> = Arc::new(known.collect());
        let pools = self.pools.iter().filter_map(Weak::upgrade);
        pools.for_each(|pool| pool.only(Arc::clone(&known)));
        self.pools.retain(|pool| pool.strong_count() > 0);
        self.news.changed();
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = String> {
        self.servers.iter().map(|(_, address)| address.to_string())
    }

    pub(super) fn set_health(&mut self, address: &str, healthy: bool) -> bool {
        if self.verdicts.says(address, healthy) {
            return false;
        }
        let Ok(at) = address.parse::<Address>() else {
            return false;
        };
        if self.servers.iter().all(|(_, known)| **known != at) {
            return false;
        }
        let was_fine = self.verdicts.of(address) != Some(false);
        self.verdicts.set(address, healthy);
        self.tell(address);
        was_fine != healthy
    }

    pub(super) fn tell_all(&self) {
        let addresses: Vec<_> = self.addresses().collect();
        addresses.iter().for_each(|address| self.tell(address));
    }

    fn tell(&self, address: &str) {
        let healthy = self.verdicts.of(address);
        let rosters = self.rosters.iter().filter_map(Weak::upgrade);
        rosters.for_each(|roster| roster.set_health(address, healthy));
    }
}

/// The servers that the configuration itself has addresses for, once their names are looked up.
pub(super) fn resolve(config: &GroupConfig, problems: &mut Vec<String>) -> Vec<Found> {
    let mut servers = Vec::new();
    for server in config.servers.iter().filter(|s| !s.follows_dns()) {
        match Address::resolve(&server.address) {
            Ok(found) => {
                let peers = found.into_iter().map(Arc::new);
                servers.extend(peers.map(|address| (server.clone(), address)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    servers
}

/// A server line and one of its addresses as a peer.
fn member((server, address): &(Server, Arc<Address>)) -> (Member, Arc<Endpoint<HttpEndpoint>>) {
    let name: Arc<str> = address.to_string().into();
    let origin = server.origin.as_ref().unwrap_or(&server.address);
    let route = server_id(server.route.as_deref(), &**address);
    let member = Member {
        origin: origin.as_str().into(),
        route,
        backup: server.backup,
        config: PeerConfig {
            weight: server.weight,
            max_fails: server.max_fails,
            fail_timeout: server.fail_timeout.as_secs(),
            max_conns: server.max_conns,
            down: server.down,
            drain: server.drain,
        },
        healthy: None,
        name: Arc::clone(&name),
    };
    let service = HttpEndpoint {
        address: Arc::clone(address),
        #[cfg(feature = "tls")]
        origin: Arc::clone(&member.origin),
        route,
    };
    (member, Arc::new(Endpoint { name, service }))
}

/// Each with its address, if all of them can be members.
pub(crate) fn checked(servers: Vec<Server>) -> Result<Vec<(Server, Arc<Address>)>, ConfigError> {
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for server in servers {
        problems.extend(server.problems());
        match Address::literal(&server.address) {
            Ok(address) => found.push((server, Arc::new(address))),
            Err(problem) => problems.push(problem),
        }
    }
    match problems.is_empty() {
        true => Ok(found),
        false => Err(ConfigError::new(problems)),
    }
}
