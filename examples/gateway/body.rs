//! Bodies on their way: the client's to a peer, and ours or a peer's to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Version;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderMap;
use tokio::time::Sleep;
use tower_upstream::{BoxError, ResponseBody};

use crate::client::Client;
use crate::exchange::Exchange;
use crate::incoming::{Broken, Incoming};
use crate::trailers::{self, Due};

/// Refused with: the client went away within its body. Logged as 400, or 499 in HTTP/2.
pub const GONE: u16 = 1;

/// What a client's body was refused with; 0 for nothing.
#[derive(Clone, Debug, Default)]
pub struct Verdict(Arc<AtomicU16>);

impl Verdict {
    /// The status, if the body was refused.
    pub fn status(&self) -> Option<u16> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            status => Some(status),
        }
    }

    fn refuse(&self, status: u16) -> BoxError {
        self.0.store(status, Ordering::Relaxed);
        "client body refused".into()
    }
}

/// A body for a peer.
#[derive(Debug)]
pub enum PeerBody {
    /// None, or nothing left.
    Empty,
    /// All of it.
    Full(Bytes),
    /// As it arrives.
    Client(Box<ClientBody>),
}

/// A client's body as it arrives, with what its location allows it.
#[derive(Debug)]
pub struct ClientBody {
    body: Incoming,
    /// Bytes it may still have.
    left: u64,
    /// Longest gap between two reads.
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
    client: Arc<Client>,
}

impl ClientBody {
    /// `limit` 0 is no limit.
    pub fn new(body: Incoming, limit: u64, timeout: Duration, client: Arc<Client>) -> Self {
        Self {
            body,
            left: if limit == 0 { u64::MAX } else { limit },
            timeout,
            sleep: None,
            verdict: Verdict::default(),
            client,
        }
    }

    /// Says later what it was refused with.
    pub fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Its length, if the client told.
    pub fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// All of it, at most `most` bytes.
    pub async fn collect(mut self, most: u64) -> Result<Bytes, u16> {
        self.left = self.left.min(most);
        let verdict = self.verdict();
        let whole = PeerBody::Client(Box::new(self)).collect().await;
        let refused = |_| verdict.status().unwrap_or(400);
        Ok(whole.map_err(refused)?.to_bytes())
    }

    /// Reads it to forget it, as long as it comes and is not too long.
    pub async fn discard(self) {
        let mut body = PeerBody::Client(Box::new(self));
        while let Some(Ok(_)) = body.frame().await {}
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.sleep = None;
                let Ok(data) = frame.into_data() else {
                    // Trailers of requests are dropped, as NGINX drops them (HD-6).
                    return Poll::Ready(None);
                };
                let length = data.len() as u64;
                if length > self.left {
                    return Poll::Ready(Some(Err(self.verdict.refuse(413))));
                }
                self.left -= length;
                self.client.has_moved(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Some(Err(error))) => {
                let status = match error {
                    Broken::Malformed => 400,
                    Broken::Gone => GONE,
                };
                Poll::Ready(Some(Err(self.verdict.refuse(status))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let timeout = self.timeout;
                let sleep = self
                    .sleep
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(self.verdict.refuse(408)))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            self.client.wire().linger = true;
        }
    }
}

impl Body for PeerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Client(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Client(body) => body.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Client(body) => body.body.size_hint(),
        }
    }
}

/// A body for the client. It carries its exchange, which is logged when the body has ended or has
/// been dropped.
#[derive(Debug)]
pub struct Reply {
    // Dropped first, so that the last attempt is complete when the exchange is logged.
    content: Content,
    exchange: Option<Box<Exchange>>,
    /// What comes behind the content.
    due: Due,
    /// A peer's answer is read to its end even if the client has gone.
    to_the_end: bool,
}

/// What a client gets.
#[derive(Debug)]
// The large one is the usual one: a box would cost every answer an allocation.
#[allow(clippy::large_enum_variant)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Nothing, although the header tells a length (RS-10).
    EmptyOfSomeLength,
    /// A page or a text.
    Full(Bytes),
    /// What a peer sends.
    Peer(ResponseBody),
}

impl Reply {
    /// The body of `exchange`'s answer.
    pub fn new(content: Content, exchange: Box<Exchange>, to_the_end: bool) -> Self {
        Self {
            content,
            due: Due::of(&exchange),
            exchange: Some(exchange),
            to_the_end,
        }
    }

    /// No body, of an exchange that goes on elsewhere.
    pub fn nothing() -> Self {
        Self {
            content: Content::Empty,
            exchange: None,
            due: Due::default(),
            to_the_end: false,
        }
    }

    /// Whether there is nothing to send, whatever length its header tells.
    pub fn is_nothing(&self) -> bool {
        matches!(self.content, Content::EmptyOfSomeLength) || self.is_end_stream()
    }

    /// The content has ended, perhaps with trailers of the peer's.
    fn end(&mut self, peers: Option<HeaderMap>) -> Option<HeaderMap> {
        self.sent(0);
        let due = std::mem::take(&mut self.due);
        let x = self.exchange.as_mut().filter(|_| !due.is_nothing())?;
        let trailers = trailers::collect(x, due, peers);
        if x.version == Version::HTTP_2 {
            return trailers::map(trailers);
        }
        if x.chunked {
            // hyper sends none to clients that did not ask; NGINX does.
            let text = trailers::write(&trailers);
            x.sent += text.len() as u64;
            x.client.wire().tail = text;
        }
        None
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(exchange) = &mut self.exchange {
            // A chunk has its size in front, and two line ends.
            let frame = match (exchange.chunked, bytes) {
                (false, _) => 0,
                (true, 0) => 5,
                (true, _) => bytes.ilog2() / 4 + 1 + 4,
            };
            exchange.sent += bytes as u64 + u64::from(frame);
            if exchange.version == Version::HTTP_2 {
                exchange.client.has_moved(bytes);
            }
            exchange.client.set_unwritten(true);
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let trailers = match &mut self.content {
            Content::Empty | Content::EmptyOfSomeLength => None,
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Empty;
                if !bytes.is_empty() {
                    self.sent(bytes.len());
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                None
            }
            Content::Peer(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.sent(data.len());
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    Err(frame) => frame.into_trailers().ok(),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => None,
            },
        };
        Poll::Ready(self.end(trailers).map(|frame| Ok(Frame::trailers(frame))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            _ if self.due.own => false,
            Content::Empty => true,
            Content::EmptyOfSomeLength => false,
            Content::Full(bytes) => bytes.is_empty(),
            Content::Peer(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            _ if self.due.own => SizeHint::default(),
            Content::Empty => SizeHint::with_exact(0),
            Content::EmptyOfSomeLength => SizeHint::default(),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Peer(body) => body.size_hint(),
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.to_the_end || self.is_end_stream() {
            return;
        }
        let content = std::mem::replace(&mut self.content, Content::Empty);
        let mut rest = Self {
            content,
            exchange: self.exchange.take(),
            due: Due::default(),
            to_the_end: false,
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { while let Some(Ok(_)) = rest.frame().await {} });
        }
    }
}
