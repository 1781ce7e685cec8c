//! A request body that can be sent more than once.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, SizeHint};

use super::RequestBuffering;
use super::attempt::AttemptBody;
use super::kept::Kept;
use super::source::{Erased, Shared, Source, lock};
use crate::error::{BoxError, Error, ErrorKind};

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
                settled: false,
                complete: false,
                failed: false,
                trailers: None,
                reader: 0,
                waiting: None,
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
        AttemptBody::new(self.shared.clone(), self.attempts, size)
    }

    /// The answer is handed out: no attempt follows the one that reads.
    pub(crate) fn answered(&self) {
        if let Some(shared) = &self.shared {
            lock(shared).settled = true;
        }
    }

    /// All of it can be sent again.
    pub(crate) fn replayable(&self) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| self.whole(&lock(shared)))
    }

    /// All of it has been read and kept: two attempts may send it at the same time.
    pub(crate) fn shareable(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| {
            let shared = lock(shared);
            shared.complete && self.whole(&shared)
        })
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
            shared.withdraw();
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

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::Waker;

    use http_body::Frame;

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

    #[test]
    fn what_is_answered_is_remembered_no_longer_and_sent_to_the_end() {
        let cx = &mut Context::from_waker(Waker::noop());
        let limit = RequestBuffering::Replay { limit: 64 };
        let mut body = RequestBody::new(Pieces(vec!["ef", "cd", "ab"]), limit, true);
        let mut attempt = body.attempt();
        let mut sent = String::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut attempt).poll_frame(cx) {
            sent.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
            body.answered();
        }
        assert_eq!(sent, "abcdef");
        let shared = lock(body.shared.as_ref().unwrap());
        assert_eq!((shared.kept.bytes, shared.complete), (0, true));
    }

    #[test]
    fn what_is_stopped_does_not_end_as_if_it_were_whole() {
        let cx = &mut Context::from_waker(Waker::noop());
        let limit = RequestBuffering::Replay { limit: 64 };
        let mut body = RequestBody::new(Pieces(vec!["cd", "ab"]), limit, true);
        let mut attempt = body.attempt();
        assert!(Pin::new(&mut attempt).poll_frame(cx).is_ready());
        attempt.watch().stop();
        let frame = Pin::new(&mut attempt).poll_frame(cx);
        assert!(matches!(frame, Poll::Ready(Some(Err(_)))));
    }

    #[test]
    fn an_attempt_that_was_left_stops_nobody_else() {
        let cx = &mut Context::from_waker(Waker::noop());
        let limit = RequestBuffering::Replay { limit: 64 };
        let mut body = RequestBody::new(Pieces(vec!["ab"]), limit, true);
        let left = body.attempt().watch();
        assert!(body.withdraw());
        left.stop();
        let mut next = body.attempt();
        let frame = Pin::new(&mut next).poll_frame(cx);
        assert!(matches!(frame, Poll::Ready(Some(Ok(_)))));
    }
}
