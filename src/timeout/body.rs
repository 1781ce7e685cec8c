use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::{Deadline, Elapsed, Timer, current};
use crate::clock;
use crate::error::BoxError;

pin_project! {
    /// A body that must come in time: without long pauses, and to its end before the deadline.
    ///
    /// One that does not ends in an error whose cause is an [`Elapsed`], never as if it were complete;
    /// a gRPC response ends in trailers that say DEADLINE_EXCEEDED. The body behind is dropped in that
    /// moment. Everything else is that body's own: length, trailers, and whether it is over.
    ///
    /// Only time in which the body behind has nothing to give counts as a pause. While the reader does
    /// not read, nobody asks: that time is the connection's to limit (`send_timeout`).
    #[derive(Debug)]
    pub struct TimeoutBody<B> {
        // Empty once it was cut.
        #[pin]
        inner: Option<B>,
        limits: BodyLimits,
        // When the next frame must have come; set by the first poll that finds nothing.
        due: Option<Instant>,
        timer: Option<Timer>,
    }
}

/// What a body may take.
#[derive(Debug, Default)]
pub(super) struct BodyLimits {
    /// To its end.
    pub(super) deadline: Option<Deadline>,
    /// Between two frames, and what it is called when it has passed.
    pub(super) pause: Option<(Duration, Elapsed)>,
    /// It is a gRPC response, which says in trailers how it ended.
    pub(super) grpc: bool,
}

impl<B> TimeoutBody<B> {
    /// `timer` may have been armed for the same request before.
    pub(super) fn new(inner: B, limits: BodyLimits, timer: Option<Timer>) -> Self {
        Self {
            inner: Some(inner),
            limits,
            due: None,
            timer,
        }
    }
}

/// The body of a refusal.
impl<B: Default> Default for TimeoutBody<B> {
    fn default() -> Self {
        Self::new(B::default(), BodyLimits::default(), None)
    }
}

impl BodyLimits {
    fn is_late(&self) -> bool {
        self.deadline.is_some_and(Deadline::is_over)
    }

    /// The end of a body that was cut.
    fn end<D>(&self, elapsed: Elapsed) -> Option<Result<Frame<D>, BoxError>> {
        Some(match self.grpc {
            true => Ok(Frame::trailers(deadline_exceeded(elapsed))),
            false => Err(elapsed.into()),
        })
    }

    /// Ready when the body has taken too long. `due` is when its pause has.
    fn poll(
        &self,
        due: &mut Option<Instant>,
        timer: &mut Option<Timer>,
        cx: &mut Context<'_>,
    ) -> Poll<Elapsed> {
        let pause = self.pause.map(|(pause, elapsed)| {
            let due = *due.get_or_insert_with(|| clock::after(clock::now(), pause));
            (due, elapsed)
        });
        let whole = self.deadline.map(|at| (at.instant(), Elapsed::Request));
        let Some((at, elapsed)) = pause.into_iter().chain(whole).min_by_key(|(at, _)| *at) else {
            return Poll::Pending;
        };
        let timer = timer.get_or_insert_with(|| Timer::new(at));
        timer.poll_until(at, cx).map(|()| elapsed)
    }
}

fn deadline_exceeded(elapsed: Elapsed) -> HeaderMap {
    let message = match elapsed {
        Elapsed::Request => "deadline exceeded",
        _ => "response timed out",
    };
    HeaderMap::from_iter([
        (
            HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("4"),
        ),
        (
            HeaderName::from_static("grpc-message"),
            HeaderValue::from_static(message),
        ),
    ])
}

impl<B> Body for TimeoutBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        let limits = &*this.limits;
        let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let polled = {
            let _entered = current::enter(limits.deadline);
            inner.as_mut().poll_frame(cx)
        };
        let elapsed = match polled {
            Poll::Ready(Some(Ok(frame))) => {
                *this.due = None;
                // What is complete is handed out, however late; a body that never pauses is not.
                if frame.is_trailers() || inner.is_end_stream() || !limits.is_late() {
                    return Poll::Ready(Some(Ok(frame)));
                }
                Elapsed::Request
            }
            // Out of time, whoever noticed first: what is behind may have had the same deadline.
            Poll::Ready(Some(Err(_))) if limits.grpc && limits.is_late() => Elapsed::Request,
            Poll::Ready(end) => return Poll::Ready(end.map(|end| end.map_err(Into::into))),
            Poll::Pending => ready!(limits.poll(this.due, this.timer, cx)),
        };
        this.inner.set(None);
        *this.timer = None;
        Poll::Ready(limits.end(elapsed))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
