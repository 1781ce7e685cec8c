//! A request body that can be sent more than once.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::RequestBuffering;
use super::kept::{Kept, Position};
use crate::connect::Meter;
use crate::error::{BoxError, Error, ErrorKind};

type Source = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// Bytes taken in before the first attempt when bodies are not buffered: what a body that came
/// together with the request's head may have, as in NGINX's `client_body_buffer_size`.
const AT_HAND: usize = 16 * 1024;

/// The caller's body, read once and sent as often as it must be.
pub(crate) struct RequestBody {
    // Shared with the attempt that sends it: hyper owns that one, and drops it when it pleases.
    shared: Option<Arc<Mutex<Shared>>>,
    buffering: RequestBuffering,
    attempts: u32,
}

struct Shared {
    source: Source,
    kept: Kept,
    /// Bytes that may be kept while an attempt is reading.
    limit: usize,
    /// Something was passed on that was not kept.
    lost: bool,
    complete: bool,
    failed: bool,
    trailers: Option<HeaderMap>,
    /// The attempt that may read; a connection given up may still hold an older one's body.
    reader: u32,
    /// The request may be sent in chunks.
    chunked: bool,
    /// Bytes the source said it has, and bytes it had.
    promised: Option<u64>,
    seen: u64,
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, buffering: RequestBuffering, chunked: bool) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self {
                shared: None,
                buffering,
                attempts: 0,
            };
        }
        let limit = match buffering {
            RequestBuffering::On { max } => max,
            RequestBuffering::Off => AT_HAND,
            RequestBuffering::Replay { limit } => limit,
        };
        // Boxed and shared because hyper's connection is typed by the body it sends and outlives
        // the attempt. Requests without a body are spared both.
        let promised = body.size_hint().exact();
        let source: Source = Box::pin(Erased { body });
        Self {
            shared: Some(Arc::new(Mutex::new(Shared {
                source,
                kept: Kept::default(),
                limit,
                lost: false,
                complete: false,
                failed: false,
                trailers: None,
                reader: 0,
                chunked,
                promised,
                seen: 0,
            }))),
            buffering,
            attempts: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shared.is_none()
    }

    /// Reads what must be there before a peer is chosen (NU-12, NU-13).
    pub(crate) fn poll_prepare(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(shared) = &self.shared else {
            return Poll::Ready(Ok(()));
        };
        let shared = &mut *lock(shared);
        match self.buffering {
            RequestBuffering::Replay { .. } => Poll::Ready(Ok(())),
            RequestBuffering::On { max } => {
                let too_large = || Error::new(ErrorKind::BodyTooLarge);
                if shared.source.size_hint().lower() > max as u64 {
                    return Poll::Ready(Err(too_large()));
                }
                while !shared.complete {
                    ready!(shared.poll_keep(cx)).map_err(broken)?;
                    if shared.kept.bytes > max {
                        return Poll::Ready(Err(too_large()));
                    }
                }
                Poll::Ready(Ok(()))
            }
            RequestBuffering::Off => {
                while !shared.complete && shared.kept.bytes < AT_HAND {
                    match shared.poll_keep(cx) {
                        Poll::Ready(kept) => kept.map_err(broken)?,
                        Poll::Pending => break,
                    }
                }
                // From here on nothing more is remembered.
                shared.limit = 0;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// The body for the next attempt; older ones stop.
    pub(crate) fn attempt(&mut self) -> AttemptBody {
        self.attempts += 1;
        let size = match &self.shared {
            None => SizeHint::with_exact(0),
            Some(shared) => {
                let mut shared = lock(shared);
                shared.reader = self.attempts;
                shared.size()
            }
        };
        AttemptBody {
            shared: self.shared.clone(),
            attempt: self.attempts,
            next: Position::default(),
            left: size.exact(),
            size,
            ended: self.shared.is_none(),
            meter: None,
        }
    }

    /// All of it can be sent again.
    pub(crate) fn replayable(&self) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| self.whole(&lock(shared)))
    }

    /// Takes it from the attempt that reads it, unless that has read what cannot be sent again. Until
    /// then the answer of [`replayable`](Self::replayable) may be out of date at any moment.
    pub(crate) fn withdraw(&self) -> bool {
        let Some(shared) = &self.shared else {
            return true;
        };
        let mut shared = lock(shared);
        let whole = self.whole(&shared);
        if whole {
            shared.reader = 0;
        }
        whole
    }

    fn whole(&self, shared: &Shared) -> bool {
        let remembered = shared.complete || !matches!(self.buffering, RequestBuffering::Off);
        remembered && !shared.lost && !shared.failed
    }
}

fn broken(error: BoxError) -> Error {
    Error::new(ErrorKind::RequestBody).because(error)
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // A source that panicked is polled no further: its attempt is over.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn size(&self) -> SizeHint {
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

    fn keep(&mut self, data: &Bytes) {
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
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
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

    fn poll_keep(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Some(data) = ready!(self.poll_source(cx))? {
            self.kept.push(&data);
        }
        Poll::Ready(Ok(()))
    }
}

/// One attempt's view of the caller's body.
pub(crate) struct AttemptBody {
    shared: Option<Arc<Mutex<Shared>>>,
    attempt: u32,
    /// How much of what is kept was sent.
    next: Position,
    /// Bytes still to come, where known.
    left: Option<u64>,
    size: SizeHint,
    ended: bool,
    meter: Option<Arc<Meter>>,
}

impl AttemptBody {
    /// Names the connection that is told when the last byte was handed over.
    pub(crate) fn attach(&mut self, meter: &Arc<Meter>) {
        self.meter = Some(Arc::clone(meter));
    }

    /// The caller's own body broke off, so whatever failed is not the peer's doing.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.shared.clone())
    }

    fn end(&mut self) {
        self.ended = true;
        if let Some(meter) = &self.meter {
            meter.body_ended();
        }
    }
}

/// Tells, after the body itself was handed to hyper, whether the caller's side of it failed.
pub(crate) struct Watch(Option<Arc<Mutex<Shared>>>);

impl Watch {
    pub(crate) fn failed(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| lock(shared).failed)
    }
}

impl Body for AttemptBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let Some(cell) = this.shared.clone() else {
            return Poll::Ready(None);
        };
        let mut shared = lock(&cell);
        if shared.reader != this.attempt {
            return Poll::Ready(Some(Err("a later attempt sends this body".into())));
        }
        let data = match shared.kept.next(&mut this.next) {
            Some(data) => Some(data),
            None if shared.complete => None,
            None => {
                let read = ready!(shared.poll_source(cx));
                match read {
                    Ok(Some(data)) => {
                        shared.keep(&data);
                        this.next = shared.kept.end();
                        Some(data)
                    }
                    Ok(None) => None,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        };
        let Some(data) = data else {
            let trailers = shared.trailers.clone();
            drop(shared);
            this.end();
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        };
        drop(shared);
        if let Some(left) = &mut this.left {
            *left = left.saturating_sub(data.len() as u64);
            if *left == 0 {
                this.end();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        match self.left {
            Some(left) => SizeHint::with_exact(left),
            None => self.size,
        }
    }
}

impl fmt::Debug for AttemptBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptBody")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A body with the crate's error type.
    struct Erased<B> {
        #[pin]
        body: B,
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    struct Pieces(Vec<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece.into()))))
        }
    }

    #[test]
    fn what_was_lost_after_the_decision_is_not_sent_short() {
        let cx = &mut Context::from_waker(Waker::noop());
        let limit = RequestBuffering::Replay { limit: 4 };
        let mut body = RequestBody::new(Pieces(vec!["ef", "cd", "ab"]), limit, true);
        let mut first = body.attempt();
        for _ in 0..2 {
            assert!(Pin::new(&mut first).poll_frame(cx).is_ready());
        }
        assert!(body.withdraw());
        // The first attempt's connection runs on another thread and is not done yet.
        assert!(matches!(
            Pin::new(&mut first).poll_frame(cx),
            Poll::Ready(Some(Err(_)))
        ));
        let mut second = body.attempt();
        let mut sent = String::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut second).poll_frame(cx) {
            sent.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        assert_eq!(sent, "abcdef");
    }
}
