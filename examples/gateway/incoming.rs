//! A client's body as its protocol brings it.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use hyper::body::{Body, Frame, SizeHint};

/// A client's body.
#[derive(Debug)]
pub enum Incoming {
    /// HTTP/1
    Http1(hyper::body::Incoming),
    /// HTTP/2
    Http2(Received),
}

/// A body on a stream of HTTP/2.
#[derive(Debug)]
pub struct Received {
    stream: RecvStream,
    /// What is still to come, if the client told.
    left: Option<u64>,
    /// All data has come; trailers may not.
    data_ended: bool,
    /// Nobody has asked for it.
    untouched: bool,
}

/// Why a client's body ends before its end.
#[derive(Debug)]
pub enum Broken {
    /// It could not be understood.
    Malformed,
    /// The client went away, or took it back.
    Gone,
}

impl From<hyper::Error> for Broken {
    fn from(error: hyper::Error) -> Self {
        let cause = error.source().and_then(|e| e.downcast_ref::<io::Error>());
        let malformed = cause.is_some_and(|e| {
            matches!(
                e.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            )
        });
        if malformed {
            Self::Malformed
        } else {
            Self::Gone
        }
    }
}

impl Received {
    /// The body of a request that announces `length`.
    pub fn new(stream: RecvStream, length: Option<u64>) -> Self {
        Self {
            data_ended: stream.is_end_stream(),
            left: length,
            untouched: true,
            stream,
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if std::mem::take(&mut self.untouched) && !self.data_ended {
            // NGINX begins with a request when its head has come, so that what is not buffered is never
            // complete then, whatever the client sent together with the head (NU-12).
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.data_ended {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => {
                    // Whoever asked has room for it, so the client may send as much again.
                    let _ = self.stream.flow_control().release_capacity(data.len());
                    let length = data.len() as u64;
                    self.left = self.left.map(|left| left.saturating_sub(length));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(_)) => return Poll::Ready(Some(Err(Broken::Gone))),
                None => self.data_ended = true,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(cx));
        Poll::Ready(match trailers {
            Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            Err(_) => Some(Err(Broken::Gone)),
        })
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body).poll_frame(cx).map_err(Broken::from),
            Self::Http2(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(body) => body.stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(body) => body.left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}
