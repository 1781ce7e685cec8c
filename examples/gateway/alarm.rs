//! A timer for deadlines that move all the time, mostly to a later moment.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

/// Rings at a deadline that is looked at when the alarm is polled. The timer beneath is moved only
/// when it must be: a later deadline is found out when the earlier one has come.
#[derive(Debug)]
pub struct Alarm {
    timer: Pin<Box<Sleep>>,
    armed: Option<Instant>,
}

impl Alarm {
    /// Not set.
    pub fn new() -> Self {
        Self {
            timer: Box::pin(sleep_until(tokio::time::Instant::now())),
            armed: None,
        }
    }

    /// Ready when `deadline` has passed.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: impl Fn() -> Option<Instant>,
    ) -> Poll<()> {
        loop {
            if self.armed.is_some() && self.timer.is_elapsed() {
                self.armed = None;
            }
            let Some(deadline) = deadline() else {
                return Poll::Pending;
            };
            if self.armed.is_some_and(|armed| armed <= deadline) {
                return Poll::Pending;
            }
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline.into());
            self.armed = Some(deadline);
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
