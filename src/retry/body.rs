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
    kept: Vec<Bytes>,
    kept_bytes: usize,
    /// Bytes that may be kept while an attempt is reading.
    limit: usize,
    /// Something was passed on that was not kept.
    lost: bool,
    complete: bool,
    failed: bool,
    trailers: Option<HeaderMap>,
    /// The attempt that may read; a connection given up may still hold an older one's body.
    reader: u32,
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, buffering: RequestBuffering) -> Self
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
        let source: Source = Box::pin(Erased { body });
        Self {
            shared: Some(Arc::new(Mutex::new(Shared {
                source,
                kept: Vec::new(),
                kept_bytes: 0,
                limit,
                lost: false,
                complete: false,
                failed: false,
                trailers: None,
                reader: 0,
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
                    if shared.kept_bytes > max {
                        return Poll::Ready(Err(too_large()));
                    }
                }
                Poll::Ready(Ok(()))
            }
            RequestBuffering::Off => {
                while !shared.complete && shared.kept_bytes < AT_HAND {
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
            next: 0,
            left: size.exact(),
            size,
            ended: self.shared.is_none(),
            meter: None,
        }
    }

    /// All of it can be sent again.
    pub(crate) fn replayable(&self) -> bool {
        let Some(shared) = &self.shared else {
            return true;
        };
        let shared = lock(shared);
        let whole = shared.complete || !matches!(self.buffering, RequestBuffering::Off);
        whole && !shared.lost && !shared.failed
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
            (true, None) => SizeHint::with_exact(self.kept_bytes as u64),
            // Trailers need chunked framing.
            (true, Some(_)) => SizeHint::default(),
            (false, _) if self.kept.is_empty() => self.source.size_hint(),
            (false, _) => match self.source.size_hint().exact() {
                Some(rest) => SizeHint::with_exact(rest + self.kept_bytes as u64),
                None => SizeHint::default(),
            },
        }
    }

    fn keep(&mut self, data: &Bytes) {
        if self.lost {
            return;
        }
        if self.kept_bytes + data.len() > self.limit {
            self.lost = true;
            self.kept = Vec::new();
        } else {
            self.kept_bytes += data.len();
            self.kept.push(data.clone());
        }
    }

    /// One frame of the source: data, or `None` at the end, when trailers have been stored.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
        loop {
            match ready!(self.source.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Poll::Ready(Ok(Some(data))),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Some(Err(error)) => {
                    self.failed = true;
                    return Poll::Ready(Err(error));
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
            self.kept_bytes += data.len();
            self.kept.push(data);
        }
        Poll::Ready(Ok(()))
    }
}

/// One attempt's view of the caller's body.
pub(crate) struct AttemptBody {
    shared: Option<Arc<Mutex<Shared>>>,
    attempt: u32,
    /// Kept pieces already sent.
    next: usize,
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
        let kept = shared.kept.get(this.next).cloned();
        let data = match kept {
            Some(data) => Some(data),
            None if shared.complete => None,
            None => {
                let read = ready!(shared.poll_source(cx));
                match read {
                    Ok(Some(data)) => {
                        shared.keep(&data);
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
        this.next += 1;
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
