//! Bodies that callers send, honest ones and others.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::{Body, Frame, SizeHint};
use http_body_util::StreamBody;
use tokio::time::sleep;
use tower_upstream::BoxError;

pub(crate) fn put<B>(body: B) -> http::Request<B> {
    http::Request::put("/").body(body).unwrap()
}

/// A body of unknown length that arrives in pieces.
pub(crate) fn pieces(
    count: usize,
    size: usize,
    pause: Duration,
) -> impl Body<Data = Bytes, Error = BoxError> + Send + 'static {
    StreamBody::new(stream::unfold(0, move |n| async move {
        if n > 0 {
            sleep(pause).await;
        }
        let frame = Frame::data(Bytes::from(vec![b'x'; size]));
        (n < count).then_some((Ok(frame), n + 1))
    }))
}

/// No bytes at all, which is known only when it has been read.
pub(crate) fn nothing() -> impl Body<Data = Bytes, Error = BoxError> + Send + 'static {
    pieces(0, 0, Duration::ZERO)
}

/// `hi`, and `x-sum: 12` behind it.
pub(crate) fn with_trailers() -> impl Body<Data = Bytes, Error = BoxError> + Send + 'static {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "12".parse().unwrap());
    let frames = [Frame::data(Bytes::from("hi")), Frame::trailers(trailers)];
    StreamBody::new(stream::iter(frames.map(Ok::<_, BoxError>)))
}

/// Promises eight bytes and ends after four.
#[derive(Default)]
pub(crate) struct Short {
    ended: bool,
}

impl Body for Short {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let half = (!self.ended).then(|| Ok(Frame::data(Bytes::from("half"))));
        self.ended = true;
        Poll::Ready(half)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.ended { 4 } else { 8 })
    }
}
