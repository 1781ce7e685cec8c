//! Who is left alone, and what failures may cost.

use super::Builder;
use crate::breaker::FailureRules;
use crate::retry::{Budget, BudgetConfig};
use crate::upstream::config::{Choice, EjectionCap, HealthCheck, SlowFault};

impl Builder {
    /// Which rule takes a failing server out, default [`FailureRules::MaxFails`]: each server's
    /// `max_fails` and `fail_timeout`. The others are not in NGINX; in a file `failure_rule`.
    #[doc(alias = "max_fails")]
    pub fn failure_rule(mut self, rule: impl Into<FailureRules>) -> Self {
        self.group.failure_rule = rule.into();
        self
    }

    /// How many servers the failure rule may take out at once, default [`Choice::Auto`]: no limit as
    /// in NGINX, under [`Semantics::Strict`](crate::Semantics::Strict) at most half and never the
    /// last. In a file `ejection_cap`.
    pub fn ejection_cap(mut self, cap: Choice<EjectionCap>) -> Self {
        self.group.ejection_cap = cap;
        self
    }

    /// Servers that keep requests waiting are suspected before a timeout says so, default
    /// [`Choice::Auto`]: not in NGINX, so only under [`Semantics::Strict`](crate::Semantics::Strict).
    /// In a file `slow_fault`.
    pub fn slow_fault(mut self, rule: Choice<SlowFault>) -> Self {
        self.group.slow_fault = rule;
        self
    }

    /// How the servers are looked at whether or not requests go there, default not at all. Looking
    /// takes a task, which the caller spawns: [`Checks::of`](crate::health::Checks::of) the built
    /// group. NGINX's `health_check` is commercial; in a file `active_check`.
    pub fn health_check(mut self, check: HealthCheck) -> Self {
        self.group.health_check = Some(check);
        self
    }

    /// The failure rule, its cap and the slow-fault rule only count what they would do, default: they
    /// do it. [`Group::snapshot`](crate::Group::snapshot) shows the counts. Not in NGINX; in a file
    /// `shadow`.
    pub fn shadow(mut self, shadow: bool) -> Self {
        self.group.shadow = shadow;
        self
    }

    /// Retries and hedges are paid for by requests, so that a failing group is not asked many times
    /// over, default: no limit, as in NGINX. In a file `retry_budget`.
    pub fn retry_budget(mut self, budget: BudgetConfig) -> Self {
        self.group.retry_budget = Some(budget);
        self.budget = None;
        self
    }

    /// The same out of a budget that others pay into and draw from, such as a
    /// [`RetryLayer`](crate::retry::RetryLayer) or the next group.
    pub fn shared_budget(mut self, budget: Budget) -> Self {
        self.group.retry_budget = None;
        self.budget = Some(budget);
        self
    }
}
