use std::time::Duration;

use super::consecutive::{Consecutive, Streak};
use super::ejecting::Ejecting;
use super::max_fails::MaxFails;
use super::rule::FailureRule;
use super::success_ratio::{Ratio, SuccessRatio};

/// Which rule takes peers out of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FailureRules {
    /// NGINX's, with each server's own `max_fails` and `fail_timeout`.
    #[default]
    MaxFails,
    /// Failures in a row; a server's `fail_timeout` is not asked, `max_fails` 0 still exempts it.
    Consecutive(Consecutive),
    /// The share of successes; a server's `fail_timeout` is not asked, `max_fails` 0 still exempts it.
    SuccessRatio(SuccessRatio),
}

impl From<Consecutive> for FailureRules {
    fn from(rule: Consecutive) -> Self {
        Self::Consecutive(rule)
    }
}

impl From<SuccessRatio> for FailureRules {
    fn from(rule: SuccessRatio) -> Self {
        Self::SuccessRatio(rule)
    }
}

impl FailureRules {
    /// Everything wrong with the numbers. A circuit made in spite of it does something, but not what
    /// anybody wants.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match self {
            Self::MaxFails => {}
            Self::Consecutive(rule) => rule.problems(&mut problems),
            Self::SuccessRatio(rule) => rule.problems(&mut problems),
        }
        problems
    }

    /// Successes have to be told with the true time.
    pub(crate) fn timed(&self) -> bool {
        !matches!(self, Self::MaxFails)
    }

    /// The rule for one peer without a past, whose `server` line has these numbers.
    pub fn circuit(&self, max_fails: u32, fail_timeout: Duration) -> Circuit {
        Circuit(match self {
            _ if max_fails == 0 => Kind::MaxFails(MaxFails::new(0, fail_timeout)),
            Self::MaxFails => Kind::MaxFails(MaxFails::new(max_fails, fail_timeout)),
            Self::Consecutive(rule) => {
                Kind::Consecutive(Box::new(Ejecting::new(rule.streak(), rule.ejection)))
            }
            Self::SuccessRatio(rule) => {
                Kind::SuccessRatio(Box::new(Ejecting::new(rule.ratio(), rule.ejection)))
            }
        })
    }
}

/// Any of the rules of [`FailureRules`], for one peer.
///
/// An enum rather than a boxed trait: a pick asks every peer of a list for its ban, and NGINX's rule,
/// the small one, then lies in the list itself. It can also be cloned with its past.
#[derive(Clone, Debug)]
pub struct Circuit(Kind);

#[derive(Clone, Debug)]
enum Kind {
    MaxFails(MaxFails),
    Consecutive(Box<Ejecting<Streak>>),
    SuccessRatio(Box<Ejecting<Ratio>>),
}

impl Circuit {
    fn rule(&self) -> &dyn FailureRule {
        match &self.0 {
            Kind::MaxFails(rule) => rule,
            Kind::Consecutive(rule) => &**rule,
            Kind::SuccessRatio(rule) => &**rule,
        }
    }

    fn rule_mut(&mut self) -> &mut dyn FailureRule {
        match &mut self.0 {
            Kind::MaxFails(rule) => rule,
            Kind::Consecutive(rule) => &mut **rule,
            Kind::SuccessRatio(rule) => &mut **rule,
        }
    }
}

impl FailureRule for Circuit {
    fn picked(&mut self, now: Duration) {
        self.rule_mut().picked(now);
    }

    fn failed(&mut self, now: Duration) -> bool {
        self.rule_mut().failed(now)
    }

    fn succeeded(&mut self, now: Duration) {
        self.rule_mut().succeeded(now);
    }

    fn abandoned(&mut self, now: Duration) {
        self.rule_mut().abandoned(now);
    }

    fn barred_until(&self) -> Option<Duration> {
        match &self.0 {
            // What every pick asks of every peer.
            Kind::MaxFails(rule) => rule.barred_until(),
            _ => self.rule().barred_until(),
        }
    }

    fn fails(&self) -> u32 {
        self.rule().fails()
    }
}
