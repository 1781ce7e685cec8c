use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::kept::Position;
use super::source::{Shared, lock};
use crate::connect::Meter;
use crate::error::BoxError;

/// One attempt's view of the caller's body: what was read of it before, then what still comes. Once a
/// later attempt has begun it fails rather than send what that one sends.
pub struct AttemptBody {
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
    pub(super) fn new(shared: Option<Arc<Mutex<Shared>>>, attempt: u32, size: SizeHint) -> Self {
        Self {
            ended: shared.is_none(),
            shared,
            attempt,
            next: Position::default(),
            left: size.exact(),
            size,
            meter: None,
        }
    }

    /// Names the connection that is told when the last byte was handed over.
    pub(crate) fn attach(&mut self, meter: &Arc<Meter>) {
        self.meter = Some(Arc::clone(meter));
    }

    /// The caller's own body broke off, so whatever failed is not the peer's doing.
    pub(crate) fn watch(&self) -> Watch {
        Watch {
            shared: self.shared.clone(),
            attempt: self.attempt,
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if let Some(meter) = &self.meter {
            meter.body_ended();
        }
    }
}

/// Tells, after the body itself was handed to hyper, whether the caller's side of it failed.
pub(crate) struct Watch {
    shared: Option<Arc<Mutex<Shared>>>,
    attempt: u32,
}

impl Watch {
    pub(crate) fn failed(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| lock(shared).failed)
    }

    /// Nobody has looked at what was sent: the attempt reads no more. False if it has read what cannot be
    /// sent again.
    #[cfg(feature = "http2")]
    pub(crate) fn take_back(&self) -> bool {
        let Some(shared) = &self.shared else {
            return true;
        };
        let mut shared = lock(shared);
        let whole = !shared.lost && !shared.failed;
        if whole && shared.reader == self.attempt {
            shared.withdraw();
        }
        whole
    }

    /// The attempt is over: what it has not read of the body is not read, unless a later one does.
    pub(crate) fn stop(self) {
        let Some(shared) = self.shared else {
            return;
        };
        let mut shared = lock(&shared);
        let reads = shared.reader == self.attempt && !shared.complete;
        let source = reads.then(|| shared.stop());
        drop(shared);
        // Only now that nothing is locked: what a caller's body does then is the caller's.
        drop(source);
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
        if let Some(meter) = &this.meter {
            meter.body_wanted();
        }
        let mut shared = lock(&cell);
        // What is complete is read by nobody any more.
        if shared.reader != this.attempt && !shared.complete {
            return Poll::Ready(Some(Err(withdrawn())));
        }
        let data = match shared.kept.next(&mut this.next) {
            Some(data) => Some(data),
            None if shared.complete => None,
            None => {
                if shared.settled && !shared.lost {
                    shared.forget();
                    this.next = Position::default();
                }
                // It runs in the connection's task, which would go down with it; of HTTP/2, in a task that
                // nobody hears of.
                let polled = catch_unwind(AssertUnwindSafe(|| shared.poll_source(cx)));
                let polled = polled.unwrap_or_else(|_| {
                    shared.failed = true;
                    Poll::Ready(Err("the body panicked".into()))
                });
                let Poll::Ready(read) = polled else {
                    shared.wait(cx);
                    return Poll::Pending;
                };
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
        if let Some(meter) = &this.meter {
            meter.body_given();
        }
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

/// A later attempt sends this body, or nobody does; a stream that still carries it is cancelled.
fn withdrawn() -> BoxError {
    #[cfg(feature = "http2")]
    return h2::Error::from(h2::Reason::CANCEL).into();
    #[cfg(not(feature = "http2"))]
    "a later attempt sends this body".into()
}

impl fmt::Debug for AttemptBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptBody")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
