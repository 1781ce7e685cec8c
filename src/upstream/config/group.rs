use super::{
    BudgetConfig, Choice, EjectionCap, FailureRules, HashKey, HealthCheck, Keepalive, Method,
    ResolverConfig, Semantics, Server, SlowFault, SlowStart, Sticky, Subset,
};

/// An upstream block: who the peers are and which connections to them are kept.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct GroupConfig {
    /// The group's name: default `Host`, and what a request without any live peer reports.
    pub name: String,
    /// The peers, in order.
    pub servers: Vec<Server>,
    /// Servers come and go at run time, through [`Members`](crate::Members) or a stream; that there
    /// are none yet is no mistake. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(default))]
    pub dynamic: bool,
    /// Whom the names of servers with [`resolve`](Server::resolve) are asked of.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resolver: ResolverConfig,
    /// The idle connections kept.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keepalive: Keepalive,
    /// State shared by all workers (`zone`); without it each [`worker`](crate::Group::worker) learns alone.
    #[cfg_attr(feature = "serde", serde(default))]
    pub zone: bool,
    /// NGINX's rules or the repaired ones.
    #[cfg_attr(feature = "serde", serde(default))]
    pub semantics: Semantics,
    /// How a peer is chosen (`least_conn`, `hash`, `ip_hash`, `random`, `least_time`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub method: Method,
    /// What the hash methods tell requests apart by.
    #[cfg_attr(feature = "serde", serde(default))]
    pub hash_key: HashKey,
    /// Who comes back goes where it was before (`sticky`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub sticky: Option<Sticky>,
    /// A peer that joins or returns gets its share little by little. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(default))]
    pub slow_start: Option<SlowStart>,
    /// Only some of a large fleet's peers are used by this client. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(default))]
    pub subset: Option<Subset>,
    /// Which rule takes a failing peer out; default NGINX's, each server's `max_fails` and
    /// `fail_timeout`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub failure_rule: FailureRules,
    /// How many peers the failure rule may take out at once. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ejection_cap: Choice<EjectionCap>,
    /// Peers that keep requests waiting are suspected before a timeout says so. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(default))]
    pub slow_fault: Choice<SlowFault>,
    /// Looks at the servers whether or not requests go there; `None` is never. It takes a task:
    /// [`health::Checks`](crate::health::Checks).
    #[cfg_attr(feature = "serde", serde(default))]
    pub health_check: Option<HealthCheck>,
    /// Retries and hedges are paid for by requests, so that a failing group is not asked many times
    /// over; `None` is no limit. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(default))]
    pub retry_budget: Option<BudgetConfig>,
    /// The failure rule, the slow-fault rule and the cap only count what they would do.
    #[cfg_attr(feature = "serde", serde(default))]
    pub shadow: bool,
}

impl GroupConfig {
    /// A group without servers.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            servers: Vec::new(),
            dynamic: false,
            resolver: ResolverConfig::default(),
            keepalive: Keepalive::default(),
            zone: false,
            semantics: Semantics::Nginx,
            method: Method::RoundRobin,
            hash_key: HashKey::Carried,
            sticky: None,
            slow_start: None,
            subset: None,
            failure_rule: FailureRules::MaxFails,
            ejection_cap: Choice::Auto,
            slow_fault: Choice::Auto,
            health_check: None,
            retry_budget: None,
            shadow: false,
        }
    }
}

impl GroupConfig {
    /// Every reason why this group cannot be built, in NGINX's words where it has them.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.dynamic {
            // Who is missing may come.
        } else if self.servers.is_empty() {
            problems.push(format!("no servers are inside upstream \"{}\"", self.name));
        } else if self.servers.iter().all(|s| s.backup) {
            problems.push(format!("no servers in upstream \"{}\"", self.name));
        }
        for server in &self.servers {
            problems.extend(server.problems());
        }
        problems.extend(self.resolver.problems());
        problems.extend(self.rule_problems());
        for problem in self.sticky.iter().flat_map(Sticky::problems) {
            let name = &self.name;
            problems.push(format!("{problem} in \"sticky\" of upstream \"{name}\""));
        }
        problems
    }
}

impl GroupConfig {
    /// Of the rules that NGINX does not have.
    fn rule_problems(&self) -> Vec<String> {
        let mut problems = self.failure_rule.problems();
        problems.extend(self.slow_start.iter().flat_map(SlowStart::problems));
        problems.extend(self.subset.iter().flat_map(Subset::problems));
        if let Choice::On(cap) = &self.ejection_cap {
            problems.extend(cap.problems());
        }
        if let Choice::On(rule) = &self.slow_fault {
            problems.extend(rule.problems());
        }
        problems.extend(self.health_check.iter().flat_map(HealthCheck::problems));
        problems.extend(self.retry_budget.iter().flat_map(BudgetConfig::problems));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::config::StickyCookie;

    #[test]
    fn what_sticks_to_nothing_is_refused() {
        let mut group = GroupConfig::new("orders");
        let long = "x".repeat(33);
        for route in ["a", "a", "", &long, "a\n"] {
            group.servers.push(Server::new("127.0.0.1:1").route(route));
        }
        group.sticky = Some(Sticky::Cookie(StickyCookie::new("")));
        let wrong = |route: &str| {
            format!(
                "invalid parameter \"route={route}\" of server \"127.0.0.1:1\": 1 to 32 characters"
            )
        };
        assert_eq!(
            group.problems(),
            [
                wrong(""),
                wrong(&long),
                wrong("a\n"),
                "empty cookie name in \"sticky\" of upstream \"orders\"".to_owned(),
            ]
        );
    }
}
