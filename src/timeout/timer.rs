use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

/// A timer that is kept for many deadlines and touches the runtime's wheel only when it must: a
/// later deadline is noticed when the armed one fires. Registering a timer per request costs a
/// system call whenever the runtime is otherwise idle.
pub(crate) struct Timer(Pin<Box<Sleep>>);

impl Timer {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self(Box::pin(tokio::time::sleep_until(deadline)))
    }

    /// Ready once `deadline` has passed. The deadline may differ from call to call.
    pub(crate) fn poll_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if deadline < self.0.deadline() {
            self.0.as_mut().reset(deadline);
        }
        loop {
            ready!(self.0.as_mut().poll(cx));
            if deadline <= self.0.deadline() {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(deadline);
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.0.deadline()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;
    use crate::clock;

    async fn until(timer: &mut Timer, deadline: Instant) {
        poll_fn(|cx| timer.poll_until(deadline, cx)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn fires_at_each_deadline_in_turn() {
        let start = clock::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timer = Timer::new(at(5));
        for seconds in [7, 8, 20] {
            until(&mut timer, at(seconds)).await;
            assert_eq!(clock::now(), at(seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_deadline_is_not_missed() {
        let start = clock::now();
        let mut timer = Timer::new(start + Duration::from_secs(60));
        until(&mut timer, start + Duration::from_secs(1)).await;
        assert_eq!(clock::now(), start + Duration::from_secs(1));
    }
}
