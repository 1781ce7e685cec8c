use std::fmt;
use std::time::Duration;

use super::ejection::{Ban, Ejection};
use super::rule::FailureRule;

/// What a rule counts while its peer is in use.
pub(super) trait Count: fmt::Debug + Send {
    /// True when this is one failure too many.
    fn failed(&mut self, now: Duration) -> bool;
    fn succeeded(&mut self, now: Duration);
    /// The peer is back: a clean slate.
    fn clear(&mut self);
    /// Failures that still count.
    fn fails(&self) -> u32;
}

/// A rule made of something counted and of ejections that grow.
///
/// While a peer is out, only its probe is heard: neither may what was in flight when it tripped make
/// the ban longer, nor may a late success lift it.
#[derive(Clone, Debug)]
pub(super) struct Ejecting<C> {
    count: C,
    ban: Ban,
}

impl<C: Count> Ejecting<C> {
    pub(super) fn new(count: C, ejection: Ejection) -> Self {
        Self {
            count,
            ban: Ban::new(ejection),
        }
    }
}

impl<C: Count> FailureRule for Ejecting<C> {
    fn picked(&mut self, now: Duration) {
        self.ban.picked(now);
    }

    fn failed(&mut self, now: Duration) -> bool {
        let out = match self.ban.until() {
            None => self.count.failed(now),
            Some(_) => self.ban.probing(),
        };
        if out {
            self.ban.start(now);
        }
        out
    }

    fn succeeded(&mut self, now: Duration) {
        if self.ban.until().is_none() {
            self.count.succeeded(now);
        } else if self.ban.probing() {
            self.ban.lift(now);
            self.count.clear();
        }
    }

    fn abandoned(&mut self, now: Duration) {
        self.ban.abandoned(now);
    }

    fn barred_until(&self) -> Option<Duration> {
        self.ban.until()
    }

    fn fails(&self) -> u32 {
        self.count.fails()
    }
}
