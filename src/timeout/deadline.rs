use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::current::{self, Scope};
use crate::clock;

/// When the time of a request is over, for everybody who works on it.
///
/// It is carried in the request's extensions. A [`TimeoutLayer`](super::TimeoutLayer) puts it there
/// for the request being served, and an `Upstream` takes it from the request it sends: what is left
/// bounds its attempts, its waits and the response's body, and is told to the peer. While a
/// `TimeoutLayer` polls the service behind it, the deadline is also the [`current`](Self::current)
/// one, so that calls made while serving need not be handed it.
///
/// Of several the smaller holds: `min` is what a deadline is for.
///
/// ```
/// use std::time::Duration;
/// use tower_upstream::timeout::Deadline;
///
/// let (ours, callers) = (Deadline::after(Duration::from_secs(5)), Deadline::after(Duration::from_secs(1)));
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(ours.min(callers));
/// assert!(callers.left() <= Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// At this instant of the runtime's clock.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// So long from now. A time too long for the clock is as good as none.
    pub fn after(time: Duration) -> Self {
        Self::later(clock::now(), time)
    }

    pub(crate) fn later(than: Instant, time: Duration) -> Self {
        Self(clock::after(than, time))
    }

    /// The deadline of the request being served, if this is called while a
    /// [`TimeoutLayer`](super::TimeoutLayer) polls the service or the body behind it, or within
    /// [`scope`](Self::scope).
    ///
    /// It ends where the task does: a future that is spawned has none. That is right for work that is
    /// shared by several requests or outlives the one it began with.
    pub fn current() -> Option<Self> {
        current::get()
    }

    /// `future` with this as its [`current`](Self::current) deadline, for work that is spawned. It is
    /// not ended by it.
    pub fn scope<F: Future>(self, future: F) -> Scope<F> {
        Scope::new(self, future)
    }

    /// The instant.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left; zero once it is over.
    pub fn left(self) -> Duration {
        self.left_at(clock::now())
    }

    /// What is left at `now`.
    pub fn left_at(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Nothing is left.
    pub fn is_over(self) -> bool {
        self.is_over_at(clock::now())
    }

    /// Nothing is left at `now`.
    pub fn is_over_at(self, now: Instant) -> bool {
        now >= self.0
    }

    /// The smaller of two that may not be there.
    pub(crate) fn either(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_from_the_instant_on() {
        let now = clock::now();
        let second = Duration::from_secs(1);
        let deadline = Deadline::at(now + second);
        assert_eq!(deadline.left_at(now), second);
        assert!(!deadline.is_over_at(now + second - Duration::from_nanos(1)));
        assert!(deadline.is_over_at(now + second));
        assert_eq!(deadline.left_at(now + 2 * second), Duration::ZERO);
    }

    #[test]
    fn a_time_too_long_is_none_to_speak_of() {
        assert!(Deadline::after(Duration::MAX).left() > Duration::from_secs(60 * 60 * 24 * 365));
    }

    #[test]
    fn the_smaller_of_two_holds_and_one_is_enough() {
        let soon = Deadline::after(Duration::from_secs(1));
        let late = Deadline::after(Duration::from_secs(2));
        assert_eq!(Deadline::either(Some(late), Some(soon)), Some(soon));
        assert_eq!(Deadline::either(None, Some(late)), Some(late));
        assert_eq!(Deadline::either(Some(late), None), Some(late));
        assert_eq!(Deadline::either(None, None), None);
    }
}
