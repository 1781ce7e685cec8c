use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::super::{Timer, current};
use super::{Called, Limit, Rest};
use crate::clock;

pin_project! {
    /// The answer of a [`Timeout`](super::Timeout). Dropping it drops the call behind it, as the end of
    /// its time does.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, C> {
        // Empty once its time is over, or if it was from the beginning.
        #[pin]
        inner: Option<F>,
        // Until it is answered.
        call: Option<C>,
        limit: Limit,
        // An answer that is ready at once needs none.
        timer: Option<Timer>,
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(super) fn running(inner: F, call: C, limit: Limit) -> Self {
        Self {
            inner: Some(inner),
            call: Some(call),
            limit,
            timer: None,
        }
    }

    pub(super) fn late(call: C, limit: Limit) -> Self {
        Self {
            inner: None,
            call: Some(call),
            limit,
            timer: None,
        }
    }
}

impl<F, C, Res, Err> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Res, Err>>,
    C: Called<Res, Err>,
{
    type Output = Result<C::Response, C::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let limit = &*this.limit;
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let polled = {
                let _entered = current::enter(limit.deadline);
                inner.poll(cx)
            };
            match (polled, limit.deadline) {
                // What had to be waited for and came too late is not an answer any more: calls made
                // while serving had the same deadline, and theirs may have ended in the same moment.
                (Poll::Ready(_), Some(_))
                    if this.timer.is_some() && limit.is_over_at(clock::now()) => {}
                (Poll::Ready(result), deadline) => {
                    let Some(call) = this.call.take() else {
                        panic!("polled after it was ready");
                    };
                    let timer = this.timer.take();
                    return Poll::Ready(match result {
                        Ok(response) => Ok(call.limit(response, Rest { deadline, timer })),
                        Err(error) => Err(C::error(error)),
                    });
                }
                (Poll::Pending, None) => return Poll::Pending,
                (Poll::Pending, Some(deadline)) => {
                    let at = deadline.instant();
                    let timer = this.timer.get_or_insert_with(|| Timer::new(at));
                    ready!(timer.poll_until(at, cx));
                }
            }
            // Let go of now, not when the answer has been sent.
            this.inner.set(None);
        }
        let Some(call) = this.call.take() else {
            panic!("polled after it was ready");
        };
        Poll::Ready(call.refuse(limit.refusal()))
    }
}

impl<F, C> fmt::Debug for ResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
