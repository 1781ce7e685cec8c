use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::time::Instant;

use crate::timeout::Timer;

/// Timers that calls take and give back. A timer that was armed before is re-armed only when it has
/// fired, so that a call that is watched and answered in time touches the runtime's wheel hardly ever.
#[derive(Default)]
pub(super) struct Alarms(Mutex<Vec<Timer>>);

/// More are not kept: their memory is worth more than their arming.
const KEPT: usize = 1024;

impl Alarms {
    fn take(&self) -> Option<Timer> {
        self.lock().pop()
    }

    fn put(&self, timer: Timer) {
        let mut spare = self.lock();
        if spare.len() < KEPT {
            spare.push(timer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Timer>> {
        // A list of timers does not break half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarms").finish_non_exhaustive()
    }
}

/// One call's timer, taken when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Timer>);

impl Alarm {
    pub(super) fn poll_until(
        &mut self,
        at: Instant,
        from: &Alarms,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let timer = self
            .0
            .get_or_insert_with(|| from.take().unwrap_or_else(|| Timer::new(at)));
        timer.poll_until(at, cx)
    }

    pub(super) fn give_back(&mut self, to: &Alarms) {
        if let Some(timer) = self.0.take() {
            to.put(timer);
        }
    }
}
