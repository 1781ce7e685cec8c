use std::fmt;

use super::Verdict;

/// What became of a request, in NGINX's words (`$limit_req_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Let through at once.
    Passed,
    /// Let through after a wait.
    Delayed,
    /// Refused.
    Rejected,
    /// Let through at once in a dry run, where it would have waited.
    DelayedDryRun,
    /// Let through in a dry run, where it would have been refused.
    RejectedDryRun,
}

impl Status {
    /// What a verdict comes to.
    pub fn of(verdict: &Verdict, dry_run: bool) -> Self {
        match verdict {
            Verdict::Pass { delay, .. } if delay.is_zero() => Self::Passed,
            Verdict::Pass { .. } if dry_run => Self::DelayedDryRun,
            Verdict::Pass { .. } => Self::Delayed,
            Verdict::Refuse { .. } | Verdict::Exhausted { .. } if dry_run => Self::RejectedDryRun,
            Verdict::Refuse { .. } | Verdict::Exhausted { .. } => Self::Rejected,
        }
    }

    /// The word in NGINX's logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Delayed => "DELAYED",
            Self::Rejected => "REJECTED",
            Self::DelayedDryRun => "DELAYED_DRY_RUN",
            Self::RejectedDryRun => "REJECTED_DRY_RUN",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
