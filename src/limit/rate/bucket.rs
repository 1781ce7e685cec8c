use std::time::Duration;

use super::{Limit, Rate};

/// One account: how far the requests of one key have run ahead of the rate.
///
/// It counts in thousandths of a request and in milliseconds since any epoch, and changes only when a
/// request is charged: refused ones cost nothing (LR-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    excess: u64,
    last: u64,
}

/// The last request of an account that has had none.
const NEVER: u64 = u64::MAX;

/// NGINX takes a clock that has gone back by more than a minute for one that was set (LR-3).
const SET_BACK: u64 = 60_000;

impl Bucket {
    /// An account without requests.
    pub const fn new() -> Self {
        Self {
            excess: 0,
            last: NEVER,
        }
    }

    /// The excess one more request would leave, in thousandths: 0 for the first, which is never early.
    pub fn excess(&self, rate: Rate, now: u64) -> u64 {
        if self.last == NEVER {
            return 0;
        }
        let drained = rate.within(self.elapsed(now));
        (self.excess + 1000).saturating_sub(drained)
    }

    /// A request is let through, and leaves this [`excess`](Self::excess).
    pub fn charge(&mut self, excess: u64, now: u64) {
        self.excess = excess;
        if self.last == NEVER || self.elapsed(now) != 0 {
            self.last = now;
        }
    }

    /// How long one more request would have to wait before it is let through, zero if it would be now.
    pub fn retry_after(&self, rate: Rate, limit: Limit, now: u64) -> Duration {
        if self.last == NEVER {
            return Duration::ZERO;
        }
        let ahead = (self.excess + 1000).saturating_sub(limit.burst());
        let elapsed = Duration::from_millis(self.elapsed(now));
        rate.time_for(ahead).saturating_sub(elapsed)
    }

    /// Nothing is known of this account that a new one would not know: a minute has passed without a
    /// request, and nothing is left in excess (LR-10).
    pub fn is_idle(&self, rate: Rate, now: u64) -> bool {
        let away = now.abs_diff(self.last);
        self.last == NEVER || away >= 60_000 && self.excess <= rate.within(away)
    }

    fn elapsed(&self, now: u64) -> u64 {
        match self.last.saturating_sub(now) {
            back if back > SET_BACK => 1,
            _ => now.saturating_sub(self.last),
        }
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a request waits that was let through with this excess (LR-5).
pub(super) fn delay(excess: u64, rate: Rate, limit: Limit) -> Duration {
    match excess.saturating_sub(limit.threshold()) {
        0 => Duration::ZERO,
        over => rate.time_of(over),
    }
}
