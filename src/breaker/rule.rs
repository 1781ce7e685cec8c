use std::fmt;
use std::time::Duration;

/// Whether a peer may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It may.
    Closed,
    /// It may not: banned, or being probed by somebody else.
    Open,
    /// Its ban has run out; the next pick is its probe.
    HalfOpen,
}

impl State {
    /// What [`FailureRule::barred_until`] means at `now`.
    pub fn of(barred_until: Option<Duration>, now: Duration) -> Self {
        match barred_until {
            None => Self::Closed,
            Some(until) if now < until => Self::Open,
            Some(_) => Self::HalfOpen,
        }
    }
}

/// When one peer is left alone, and when it is tried again. One value per peer; it is told the time
/// and does nothing else.
///
/// `now` is the time since the wall clock's epoch and never runs back. Whoever owns the rule asks
/// [`state`](Self::state) first, says [`picked`](Self::picked) only when that is not
/// [`Open`](State::Open), and then tells one of the three endings. Attempts that are not to count
/// (begun before the last trip, say) are the owner's to leave out.
pub trait FailureRule: fmt::Debug + Send {
    /// An attempt begins. The first after a ban is the probe: a lease, so that a probe that is never
    /// heard of again cannot keep the peer out for ever.
    fn picked(&mut self, now: Duration);

    /// An attempt failed. True when this leaves the peer out of use.
    fn failed(&mut self, now: Duration) -> bool;

    /// An attempt did not fail.
    fn succeeded(&mut self, now: Duration);

    /// An attempt ended without saying anything: the probe's place is free again, nothing is
    /// counted. By default the place comes back when the lease expires.
    fn abandoned(&mut self, now: Duration) {
        let _ = now;
    }

    /// `None`: in use. Otherwise when the ban, or the probe's lease, runs out.
    fn barred_until(&self) -> Option<Duration>;

    /// Failures that still count.
    fn fails(&self) -> u32;

    /// Whether the peer may be chosen at `now`.
    fn state(&self, now: Duration) -> State {
        State::of(self.barred_until(), now)
    }
}
