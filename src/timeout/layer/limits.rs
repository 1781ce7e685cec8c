use std::time::Duration;

use tokio::time::Instant;

use super::super::Deadline;
use crate::answer::{Reason, Refusal};

/// What a layer allows a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) request_timeout: Option<Duration>,
    pub(super) status: Option<u16>,
}

/// When one request's time is over, and whose limit that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) deadline: Option<Deadline>,
    reason: Reason,
    status: Option<u16>,
}

impl Limits {
    /// The smaller of what is allowed here and what the request came with.
    pub(super) fn of(&self, carried: Option<Deadline>, now: Instant) -> Limit {
        let own = self
            .request_timeout
            .map(|limit| Deadline::later(now, limit));
        let callers = carried.filter(|carried| own.is_none_or(|own| *carried < own));
        Limit {
            deadline: callers.or(own),
            reason: match callers {
                Some(_) => Reason::Deadline,
                None => Reason::Timeout,
            },
            status: self.status,
        }
    }
}

impl Limit {
    pub(super) fn is_over_at(&self, now: Instant) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline.is_over_at(now))
    }

    pub(super) fn refusal(&self) -> Refusal {
        let refusal = Refusal::new(self.reason);
        match self.status {
            Some(status) => refusal.with_status(status),
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn the_smaller_holds_and_names_the_reason() {
        let now = clock::now();
        let second = Duration::from_secs(1);
        let limits = Limits {
            request_timeout: Some(2 * second),
            status: None,
        };
        let [soon, own, late] = [1, 2, 3].map(|seconds| Deadline::at(now + seconds * second));

        let limit = limits.of(Some(soon), now);
        assert_eq!(limit.deadline, Some(soon));
        assert_eq!(limit.refusal().reason(), Reason::Deadline);
        for carried in [None, Some(own), Some(late)] {
            let limit = limits.of(carried, now);
            assert_eq!(limit.deadline, Some(own));
            assert_eq!(limit.refusal().reason(), Reason::Timeout);
        }
        let limit = Limits::default().of(Some(late), now);
        assert_eq!(limit.deadline, Some(late));
        assert_eq!(Limits::default().of(None, now).deadline, None);
    }
}
