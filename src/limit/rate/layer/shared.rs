use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use super::sources::KeySet;
use crate::answer::{Field, Reason, Refusal};
use crate::clock;
use crate::limit::Key;
use crate::limit::rate::fields::fields;
use crate::limit::rate::{Ask, Limit, RateLimitFields, Status, Store, Taken, Verdict, Zone};
use crate::timeout::Deadline;

/// What one layer value, its clones and all their services have in common.
pub(super) struct Shared<K, A, T> {
    pub(super) limits: Vec<(Zone, Limit)>,
    pub(super) keys: K,
    pub(super) answers: A,
    pub(super) store: T,
    pub(super) status: u16,
    pub(super) dry_run: bool,
    pub(super) fields: RateLimitFields,
    pub(super) policy: String,
    pub(super) counts: Counts,
}

fn ask<'a>((zone, limit): &'a (Zone, Limit), key: &'a Key<'_>) -> Ask<'a> {
    Ask {
        zone,
        limit: *limit,
        key: key.as_bytes(),
    }
}

/// What is to be done with a request.
pub(super) enum Admission {
    Pass { delay: Duration, fields: Vec<Field> },
    Refuse(Refusal),
}

impl<K, A, T> Shared<K, A, T> {
    pub(super) fn take<Req>(&self, request: &Req, now: Instant) -> Taken<T::Later>
    where
        K: KeySet<Req>,
        T: Store,
    {
        if let [only] = &self.limits[..] {
            let key = self.keys.key_for(0, request);
            return self.store.take(&[ask(only, &key)], now);
        }
        let keys = (0..self.limits.len()).map(|limit| self.keys.key_for(limit, request));
        let keys: Vec<_> = keys.collect();
        let asks = self.limits.iter().zip(&keys);
        let asks: Vec<_> = asks.map(|(limit, key)| ask(limit, key)).collect();
        self.store.take(&asks, now)
    }

    /// The refusal of a request whose time is over at `at`, if not before.
    pub(super) fn late(&self, deadline: Option<Deadline>, at: Instant) -> Option<Refusal> {
        let late = deadline.is_some_and(|deadline| deadline.is_over_at(at));
        (late && !self.dry_run).then(|| {
            self.counts.expired.fetch_add(1, Relaxed);
            Refusal::new(Reason::Deadline)
        })
    }

    pub(super) fn admission(
        &self,
        verdict: Verdict,
        deadline: Option<Deadline>,
        now: Instant,
    ) -> Admission {
        if let Verdict::Pass { delay, .. } = verdict {
            // It stays charged, as does who leaves while it waits.
            if let Some(refusal) = self.late(deadline, clock::after(now, delay)) {
                return Admission::Refuse(refusal);
            }
        }
        self.counts.count(Status::of(&verdict, self.dry_run));
        match verdict {
            Verdict::Pass { delay, .. } => Admission::Pass {
                delay: if self.dry_run { Duration::ZERO } else { delay },
                fields: self.said(verdict, RateLimitFields::Always),
            },
            _ if self.dry_run => Admission::Pass {
                delay: Duration::ZERO,
                fields: self.said(verdict, RateLimitFields::Always),
            },
            Verdict::Refuse { retry_after, .. } => {
                let refusal = self.refusal().with_retry_after(retry_after);
                let fields = self.said(verdict, RateLimitFields::WhenRefused);
                let with = |refusal: Refusal, (name, value)| refusal.with_field(name, value);
                Admission::Refuse(fields.into_iter().fold(refusal, with))
            }
            Verdict::Exhausted { .. } => Admission::Refuse(self.refusal()),
        }
    }

    fn refusal(&self) -> Refusal {
        Refusal::new(Reason::RateLimited).with_status(self.status)
    }

    /// The fields of an answer, if such answers have any.
    fn said(&self, verdict: Verdict, of: RateLimitFields) -> Vec<Field> {
        let standing = match verdict {
            Verdict::Pass { standing, .. } => standing,
            Verdict::Refuse { standing, .. } => Some(standing),
            Verdict::Exhausted { .. } => None,
        };
        let limit = standing.and_then(|standing| self.limits.get(standing.limit));
        match (standing, limit) {
            (Some(standing), Some((zone, limit)))
                if self.fields == RateLimitFields::Always || self.fields == of =>
            {
                fields(zone, *limit, standing, &self.policy)
            }
            _ => Vec::new(),
        }
    }
}

impl<K, A, T> fmt::Debug for Shared<K, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("limits", &self.limits)
            .field("dry_run", &self.dry_run)
            .field("counts", &self.counts.snapshot())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    passed: AtomicU64,
    delayed: AtomicU64,
    rejected: AtomicU64,
    expired: AtomicU64,
}

/// What came of the requests of a layer. In a dry run, what would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Let through at once.
    pub passed: u64,
    /// Let through after a wait.
    pub delayed: u64,
    /// Refused by a limit.
    pub rejected: u64,
    /// Refused because their time was over, or would have been before their turn.
    pub expired: u64,
}

impl Counts {
    fn count(&self, status: Status) {
        let count = match status {
            Status::Passed => &self.passed,
            Status::Delayed | Status::DelayedDryRun => &self.delayed,
            Status::Rejected | Status::RejectedDryRun => &self.rejected,
        };
        count.fetch_add(1, Relaxed);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            passed: self.passed.load(Relaxed),
            delayed: self.delayed.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            expired: self.expired.load(Relaxed),
        }
    }
}
