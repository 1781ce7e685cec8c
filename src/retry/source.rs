use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::kept::Kept;
use crate::error::BoxError;

pub(super) type Source = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// The caller's body and what was read of it, shared by the request and its attempts.
pub(super) struct Shared {
    pub(super) source: Source,
    pub(super) kept: Kept,
    /// Bytes that may be kept while an attempt is reading.
    pub(super) limit: usize,
    /// Something was passed on that was not kept.
    pub(super) lost: bool,
    /// No attempt follows the one that reads.
    pub(super) settled: bool,
    pub(super) complete: bool,
    pub(super) failed: bool,
    pub(super) trailers: Option<HeaderMap>,
    /// The attempt that may read; a connection given up may still hold an older one's body.
    pub(super) reader: u32,
    /// Whoever sends it, waiting for more of it.
    pub(super) waiting: Option<Waker>,
    /// The request may be sent in chunks.
    pub(super) chunked: bool,
    /// Bytes the source said it has, and bytes it had.
    pub(super) promised: Option<u64>,
    pub(super) seen: u64,
}

pub(super) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // A source that panicked is polled no further: its attempt is over.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn size(&self) -> SizeHint {
        match (self.complete, &self.trailers) {
            // Trailers need chunked framing, which HTTP/1.0 has not.
            (true, Some(_)) if self.chunked => SizeHint::default(),
            (true, _) => SizeHint::with_exact(self.kept.bytes as u64),
            (false, _) if self.kept.bytes == 0 => self.source.size_hint(),
            (false, _) => match self.source.size_hint().exact() {
                Some(rest) => SizeHint::with_exact(rest + self.kept.bytes as u64),
                None => SizeHint::default(),
            },
        }
    }

    /// No attempt follows: what was sent is remembered no longer.
    pub(super) fn forget(&mut self) {
        self.kept = Kept::default();
        self.limit = 0;
        self.lost = true;
    }

    /// Whoever reads it reads no more, and learns of it.
    pub(super) fn withdraw(&mut self) {
        self.reader = 0;
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Nobody will read what is still to come. The caller's body is returned.
    pub(super) fn stop(&mut self) -> Source {
        self.withdraw();
        self.forget();
        std::mem::replace(&mut self.source, Box::pin(Nothing))
    }

    /// There is nothing to read at present.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.waiting {
            Some(waiting) => waiting.clone_from(cx.waker()),
            waiting => *waiting = Some(cx.waker().clone()),
        }
    }

    pub(super) fn keep(&mut self, data: &Bytes) {
        if self.lost {
            return;
        }
        if self.kept.bytes + data.len() > self.limit {
            self.lost = true;
            self.kept = Kept::default();
        } else {
            self.kept.push(data);
        }
    }

    /// One frame of the source: data, or `None` at the end, when trailers have been stored.
    pub(super) fn poll_source(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, BoxError>> {
        loop {
            match ready!(self.source.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        self.seen += data.len() as u64;
                        return Poll::Ready(Ok(Some(data)));
                    }
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Some(Err(error)) => {
                    self.failed = true;
                    return Poll::Ready(Err(error));
                }
                None if self.promised.is_some_and(|promised| self.seen < promised) => {
                    self.failed = true;
                    return Poll::Ready(Err("the body ended early".into()));
                }
                None => {
                    self.complete = true;
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }

    pub(super) fn poll_keep(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Some(data) = ready!(self.poll_source(cx))? {
            self.kept.push(&data);
        }
        Poll::Ready(Ok(()))
    }
}

/// In place of a body that nobody reads any more.
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(None)
    }
}

pin_project! {
    /// A body with the crate's error type.
    pub(super) struct Erased<B> {
        #[pin]
        pub(super) body: B,
    }
}

impl<B> Body for Erased<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.project().body.poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
