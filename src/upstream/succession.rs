//! From one configuration of a group to the next, while it serves.

use std::sync::Arc;

use super::config::{ConfigError, GroupConfig, Keepalive, ResolverConfig, Semantics, Server};
use super::group::Group;
use super::registry::{Found, resolve};
use crate::retry::Budget;

/// A group under its next configuration; see [`Group::reconfigured`].
#[derive(Debug)]
#[must_use = "call `apply`, or the servers stay as they are"]
pub struct Succession {
    group: Group,
    servers: Option<(Vec<Found>, Vec<Found>)>,
}

impl Group {
    /// What another configuration makes of this group: what a program does that reads its file again.
    /// Blocks while names are looked up, and changes nothing before [`Succession::apply`].
    ///
    /// As in NGINX the new group starts without a past, and the old one finishes what it has. Only the
    /// sessions of [`sticky`](GroupConfig::sticky), the retry budget, what DNS has said of the same
    /// lines and, if there is still a [`health_check`](GroupConfig::health_check), what it said are
    /// taken over.
    ///
    /// Under [`Semantics::Strict`] a group with a [`zone`](GroupConfig::zone) goes on, unless its
    /// rules are other ones: its servers are replaced through [`Members`](crate::Members), and what is
    /// known of those that stay, bans and attempts in flight among it, is kept. `keepalive` and
    /// `resolver` are no such rules. NGINX forgets there, too, and sends every reload's first requests
    /// to servers it knew to be gone.
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, at once.
    pub fn reconfigured(&self, config: GroupConfig) -> Result<Succession, ConfigError> {
        let old = self.config();
        // Who is known by way of DNS is known as long as the same is asked.
        let told = match asked(old).eq(asked(&config)) {
            true => self.0.block.members.told(),
            false => Vec::new(),
        };
        if goes_on(old, &config) {
            let mut problems = config.problems();
            let fixed = resolve(&config, &mut problems);
            if !problems.is_empty() {
                return Err(ConfigError::new(problems));
            }
            let (block, roster) = (Arc::clone(&self.0.block), self.roster());
            let changes = old.servers != config.servers;
            return Ok(Succession {
                group: Self::view(block, Arc::new(config), roster),
                servers: changes.then_some((fixed, told)),
            });
        }
        let desk = self.desk_for(&config);
        let budget = match old.retry_budget == config.retry_budget {
            true => self.budget(),
            false => config.retry_budget.map(Budget::from),
        };
        let fresh = Self::with(config, budget, desk)?;
        let members = &fresh.0.block.members;
        members.join(told);
        if fresh.config().health_check.is_some() {
            members.inherit_health(&self.0.block.members);
        }
        Ok(Succession {
            group: fresh,
            servers: None,
        })
    }
}

/// A group that nothing came before.
impl From<Group> for Succession {
    fn from(group: Group) -> Self {
        Self {
            group,
            servers: None,
        }
    }
}

impl Succession {
    /// The group. Until [`apply`](Self::apply) it may have the servers of the old one.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Makes the new servers the group's.
    pub fn apply(self) -> Group {
        if let Some((fixed, told)) = self.servers {
            self.group.members().reconfigure(fixed, told);
        }
        self.group
    }
}

/// The lines that DNS is asked about, and how.
fn asked(config: &GroupConfig) -> impl Iterator<Item = &Server> {
    config.servers.iter().filter(|line| line.follows_dns())
}

fn goes_on(old: &GroupConfig, new: &GroupConfig) -> bool {
    let shared = old.zone && new.zone && new.semantics == Semantics::Strict;
    shared && rules(old) == rules(new)
}

fn rules(config: &GroupConfig) -> GroupConfig {
    GroupConfig {
        servers: Vec::new(),
        keepalive: Keepalive::default(),
        resolver: ResolverConfig::default(),
        ..config.clone()
    }
}
