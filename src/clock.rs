//! The one place that reads time, through the runtime, so that paused tests work.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The present, on the runtime's clock.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// `at` and a limit later; a limit too long for the clock is as good as none.
pub(crate) fn after(at: Instant, limit: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    at + limit.min(CENTURY)
}

/// The time since the wall clock's epoch, whose whole seconds are what NGINX counts (TB-1, TB-4): the
/// wall clock is read at the start, and from there the monotonic clock decides, so that a wall clock
/// set back cannot prolong a ban.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    epoch: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: now(),
            epoch: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// Counts from another reading of the wall clock.
    pub(crate) fn epoch(self, epoch: Duration) -> Self {
        Self { epoch, ..self }
    }

    pub(crate) fn time(&self, at: Instant) -> Duration {
        self.epoch + at.saturating_duration_since(self.start)
    }
}
