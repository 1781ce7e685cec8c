use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Deadline;

thread_local! {
    static CURRENT: Cell<Option<Deadline>> = const { Cell::new(None) };
}

pub(super) fn get() -> Option<Deadline> {
    CURRENT.get()
}

/// Until it is dropped, the deadline of what runs on this thread. Held during one poll, never across
/// two.
#[must_use]
pub(super) struct Entered {
    before: Option<Deadline>,
}

/// None leaves what is there; of two, one within the other, the smaller holds.
pub(super) fn enter(deadline: Option<Deadline>) -> Entered {
    let before = CURRENT.get();
    CURRENT.set(Deadline::either(before, deadline));
    Entered { before }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

pin_project! {
    /// A future with a current [`Deadline`], from [`Deadline::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Scope<F> {
        deadline: Deadline,
        #[pin]
        future: F,
    }
}

impl<F> Scope<F> {
    pub(super) fn new(deadline: Deadline, future: F) -> Self {
        Self { deadline, future }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = enter(Some(*this.deadline));
        this.future.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(seconds: u64) -> Deadline {
        Deadline::after(Duration::from_secs(seconds))
    }

    #[tokio::test]
    async fn it_is_there_at_every_poll_and_between_none() {
        let deadline = after(5);
        let mut work = Box::pin(deadline.scope(async {
            assert_eq!(Deadline::current(), Some(deadline));
            tokio::task::yield_now().await;
            Deadline::current()
        }));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(work.as_mut().poll(&mut context).is_pending());
        assert_eq!(Deadline::current(), None);
        assert_eq!(work.await, Some(deadline));
        assert_eq!(Deadline::current(), None);
    }

    #[tokio::test]
    async fn within_another_the_smaller_holds() {
        let (short, long) = (after(1), after(2));
        let seen = short.scope(long.scope(async { Deadline::current() })).await;
        assert_eq!(seen, Some(short));
        let seen = long.scope(async {
            let inner = short.scope(async { Deadline::current() }).await;
            (inner, Deadline::current())
        });
        assert_eq!(seen.await, (Some(short), Some(long)));
    }

    #[tokio::test]
    async fn what_is_spawned_has_none_unless_it_is_given_one() {
        let deadline = after(5);
        let work = deadline.scope(async {
            let plain = tokio::spawn(async { Deadline::current() });
            let given = tokio::spawn(deadline.scope(async { Deadline::current() }));
            (plain.await.unwrap(), given.await.unwrap())
        });
        assert_eq!(work.await, (None, Some(deadline)));
    }

    #[test]
    fn a_panic_takes_it_along() {
        let gone = std::panic::catch_unwind(|| {
            let _entered = enter(Some(after(5)));
            panic!("a service's");
        });
        assert!(gone.is_err());
        assert_eq!(get(), None);
    }
}
