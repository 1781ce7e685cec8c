use std::time::Duration;

use super::ejecting::Count;
use super::ejection::Ejection;

/// So many failures in a row, without a success between them, take a peer out. Not in NGINX, whose
/// failures add up over successes (MF-6).
///
/// Choose it when a peer is either well or gone. It needs no minimum of traffic and acts at once, and
/// it never acts on a peer that fails every second request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Consecutive {
    /// Failures in a row, default 5, at least 1.
    pub failures: u32,
    /// For how long.
    pub ejection: Ejection,
}

impl Default for Consecutive {
    fn default() -> Self {
        Self {
            failures: 5,
            ejection: Ejection::default(),
        }
    }
}

impl Consecutive {
    pub(super) fn problems(&self, problems: &mut Vec<String>) {
        if self.failures == 0 {
            problems.push("consecutive failures=0: at least 1".into());
        }
        self.ejection.problems(problems);
    }

    pub(super) fn streak(&self) -> Streak {
        Streak {
            limit: self.failures,
            failures: 0,
        }
    }
}

/// Failures since the last success.
#[derive(Clone, Debug)]
pub(super) struct Streak {
    limit: u32,
    failures: u32,
}

impl Count for Streak {
    fn failed(&mut self, _: Duration) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= self.limit
    }

    fn succeeded(&mut self, _: Duration) {
        self.failures = 0;
    }

    fn clear(&mut self) {
        self.failures = 0;
    }

    fn fails(&self) -> u32 {
        self.failures
    }
}
