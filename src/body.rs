//! What rides with a response until its body is over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body that holds a guard until it is over: until its last frame has been taken, it broke off, or
    /// it is dropped.
    ///
    /// Everything else is the body's own: frames, trailers, length, and whether it is over.
    #[derive(Clone, Debug)]
    pub struct Guarded<B, G> {
        #[pin]
        inner: B,
        guard: Option<G>,
    }
}

impl<B: Body, G> Guarded<B, G> {
    /// `inner` with its guard, which goes at once if there is nothing to come.
    pub fn new(inner: B, guard: G) -> Self {
        let guard = (!inner.is_end_stream()).then_some(guard);
        Self { inner, guard }
    }
}

impl<B, G> Guarded<B, G> {
    /// `inner` without a guard.
    pub fn free(inner: B) -> Self {
        Self { inner, guard: None }
    }
}

/// The body of a refusal, without a guard.
impl<B: Default, G> Default for Guarded<B, G> {
    fn default() -> Self {
        Self::free(B::default())
    }
}

impl<B: Body, G> Body for Guarded<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        // Who has the last frame need not ask for another.
        if !matches!(&frame, Some(Ok(_))) || this.inner.is_end_stream() {
            *this.guard = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
