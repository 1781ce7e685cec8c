use std::time::Duration;

use super::rule::FailureRule;

/// NGINX's `max_fails` and `fail_timeout` for one peer, on whole seconds (MF).
///
/// There is no sliding window: failures add up until a success that follows a pick made more than
/// `fail_timeout` after the last of them (MF-6, MF-7).
#[derive(Clone, Debug)]
pub struct MaxFails {
    max_fails: u32,
    fail_timeout: u64,
    fails: u32,
    accessed: u64,
    checked: u64,
}

impl MaxFails {
    /// A peer without a past. `max_fails` 0 never bans; of `fail_timeout` the whole seconds count,
    /// a started one in full.
    pub fn new(max_fails: u32, fail_timeout: Duration) -> Self {
        let started = u64::from(fail_timeout.subsec_nanos() != 0);
        Self {
            max_fails,
            fail_timeout: fail_timeout.as_secs().saturating_add(started),
            fails: 0,
            accessed: 0,
            checked: 0,
        }
    }

    /// Enough failures to be out of use, whatever the time.
    fn tripped(&self) -> bool {
        self.max_fails != 0 && self.fails >= self.max_fails
    }
}

impl FailureRule for MaxFails {
    /// Stamps the pick (RR-5); after a ban that makes the attempt its probe.
    fn picked(&mut self, now: Duration) {
        if now.as_secs().saturating_sub(self.checked) > self.fail_timeout {
            self.checked = now.as_secs();
        }
    }

    /// One more (MF-3); true is what NGINX logs as "temporarily disabled" (MF-16).
    fn failed(&mut self, now: Duration) -> bool {
        self.fails = self.fails.saturating_add(1);
        self.accessed = now.as_secs();
        self.checked = now.as_secs();
        self.tripped()
    }

    /// Clears the failures, if a check came after them (MF-5, MF-6).
    fn succeeded(&mut self, _: Duration) {
        if self.accessed < self.checked {
            self.fails = 0;
        }
    }

    /// The first second in which `now - checked > fail_timeout` (ST-4, MF-8).
    fn barred_until(&self) -> Option<Duration> {
        self.tripped().then(|| {
            let last = self.checked.saturating_add(self.fail_timeout);
            Duration::from_secs(last.saturating_add(1))
        })
    }

    fn fails(&self) -> u32 {
        self.fails
    }
}
