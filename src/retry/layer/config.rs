use std::time::Duration;

use crate::retry::{Backoff, BudgetConfig, NextUpstream};

/// A [`RetryLayer`](super::RetryLayer)'s numbers as a plain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct RetryConfig {
    /// Attempts in total, the first included; default 3, at least 1.
    pub attempts: u32,
    /// What is repeated, default `error timeout`.
    pub next_upstream: NextUpstream,
    /// Time after a request's begin in which retries may begin; zero, the default, is no limit.
    pub timeout: Duration,
    /// The waits before retries.
    pub backoff: Backoff,
    /// What all retries together may cost; default 20 % + 10 per second, `None` is no bound.
    pub budget: Option<BudgetConfig>,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts: 3,
            next_upstream: NextUpstream::default(),
            timeout: Duration::ZERO,
            backoff: Backoff::default(),
            budget: Some(BudgetConfig::default()),
        }
    }
}

impl RetryConfig {
    /// Every reason why these numbers would not do what they seem to say.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.attempts == 0 {
            problems
                .push("invalid retry attempts \"0\": at least 1, the request itself".to_owned());
        }
        if self.backoff.base > self.backoff.cap {
            problems.push(format!(
                "invalid retry backoff: base {:?} is above cap {:?}",
                self.backoff.base, self.backoff.cap
            ));
        }
        problems.extend(self.budget.iter().flat_map(BudgetConfig::problems));
        problems
    }
}
