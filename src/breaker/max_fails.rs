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
    /// A peer without a past. `max_fails` 0 never bans; `fail_timeout` is in seconds.
    pub fn new(max_fails: u32, fail_timeout: u64) -> Self {
        Self {
            max_fails,
            fail_timeout,
            fails: 0,
            accessed: 0,
            checked: 0,
        }
    }

    /// Failures that still count (`fails`).
    pub fn fails(&self) -> u32 {
        self.fails
    }

    /// Enough failures to be out of use, whatever the time.
    pub fn tripped(&self) -> bool {
        self.max_fails != 0 && self.fails >= self.max_fails
    }

    /// Whether the peer may be chosen in second `now` (ST-4, MF-8).
    pub fn state(&self, now: u64) -> State {
        if !self.tripped() {
            State::Closed
        } else if now.saturating_sub(self.checked) <= self.fail_timeout {
            State::Open
        } else {
            State::HalfOpen
        }
    }

    /// The first second in which a banned peer may be chosen again.
    pub fn next_change(&self) -> Option<u64> {
        self.tripped().then(|| {
            self.checked
                .saturating_add(self.fail_timeout)
                .saturating_add(1)
        })
    }

    /// The peer was chosen (RR-5). After a ban this makes the attempt its probe.
    pub fn picked(&mut self, now: u64) {
        if now.saturating_sub(self.checked) > self.fail_timeout {
            self.checked = now;
        }
    }

    /// An attempt failed (MF-3). True when this leaves the peer out of use (MF-16).
    pub fn failed(&mut self, now: u64) -> bool {
        self.fails = self.fails.saturating_add(1);
        self.accessed = now;
        self.checked = now;
        self.tripped()
    }

    /// An attempt did not fail (MF-5, MF-6).
    pub fn succeeded(&mut self) {
        if self.accessed < self.checked {
            self.fails = 0;
        }
    }
}
