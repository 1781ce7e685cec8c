use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
#[cfg(feature = "http2")]
use hyper::client::conn::http2;
use hyper::client::conn::{TrySendError, http1};
use tokio::task::AbortHandle;
use tokio_util::sync::ReusableBoxFuture;

#[cfg(feature = "http2")]
use super::http2::{Ending, Stream};
use super::meter::Meter;
use super::target::Target;
use crate::clock;
use crate::error::BoxError;
use crate::timeout::Timer;

type Reply<B> = Result<Response<Incoming>, TrySendError<Request<B>>>;

/// A way to a peer for one request at a time: a whole connection, owned by a request or by the idle
/// list, or one stream of an HTTP/2 connection.
pub(crate) struct Conn<B> {
    /// Tells connections of a pool apart.
    pub(crate) id: u64,
    /// Requests its connection was used for, the running one included.
    pub(crate) requests: u64,
    /// Who its peer is, if that takes more than an address.
    identity: Option<Arc<str>>,
    pub(crate) meter: Arc<Meter>,
    /// For whatever the running request waits for.
    pub(crate) timer: Timer,
    link: Link<B>,
    /// hyper's own future has no name to put in a struct; its box is kept for all requests.
    reply: ReusableBoxFuture<'static, Reply<B>>,
}

enum Link<B> {
    Alone {
        sender: http1::SendRequest<B>,
        task: AbortHandle,
    },
    #[cfg(feature = "http2")]
    AloneHttp2 {
        sender: http2::SendRequest<B>,
        _ending: Ending,
    },
    #[cfg(feature = "http2")]
    Stream(Stream<B>),
}

impl<B> Conn<B>
where
    B: Body + Send + 'static,
{
    pub(super) fn alone(
        id: u64,
        meter: Arc<Meter>,
        sender: http1::SendRequest<B>,
        task: AbortHandle,
    ) -> Self {
        Self::new(id, 0, meter, Link::Alone { sender, task })
    }

    #[cfg(feature = "http2")]
    pub(super) fn alone_http2(id: u64, sender: http2::SendRequest<B>, ending: Ending) -> Self {
        let meter = Arc::new(Meter::of_stream());
        let _ending = ending;
        Self::new(id, 0, meter, Link::AloneHttp2 { sender, _ending })
    }

    #[cfg(feature = "http2")]
    pub(super) fn stream(id: u64, requests: u64, stream: Stream<B>) -> Self {
        Self::new(
            id,
            requests,
            Arc::new(Meter::of_stream()),
            Link::Stream(stream),
        )
    }

    fn new(id: u64, requests: u64, meter: Arc<Meter>, link: Link<B>) -> Self {
        Self {
            id,
            requests,
            identity: None,
            meter,
            timer: Timer::new(clock::now()),
            link,
            reply: ReusableBoxFuture::new(std::future::pending()),
        }
    }

    /// The same, made to this peer.
    pub(super) fn to(mut self, target: &Target) -> Self {
        self.identity = target.identity().cloned();
        self
    }

    /// Its peer is whom a request to `target` is meant for, provided that the address is the same.
    pub(crate) fn is_to(&self, target: &Target) -> bool {
        self.identity.as_ref() == target.identity()
    }

    pub(crate) fn is_closed(&self) -> bool {
        match &self.link {
            Link::Alone { sender, .. } => sender.is_closed(),
            #[cfg(feature = "http2")]
            Link::AloneHttp2 { sender, .. } => sender.is_closed(),
            #[cfg(feature = "http2")]
            Link::Stream(stream) => stream.sender.is_closed(),
        }
    }

    /// The request's answer is over, though not all of the request is sent. hyper resets a stream
    /// when it next asks for some of the body, which it does not do while the peer has no room for
    /// more (then or ever): such a stream ends with its connection, which takes no more requests.
    pub(crate) fn abandon(&self) {
        #[cfg(feature = "http2")]
        if let (Link::Stream(stream), Some(_)) = (&self.link, self.meter.blocked_since()) {
            stream.retire();
        }
    }

    /// It serves others too, and is nobody's to keep.
    pub(crate) fn is_shared(&self) -> bool {
        match &self.link {
            Link::Alone { .. } => false,
            #[cfg(feature = "http2")]
            Link::AloneHttp2 { .. } => false,
            #[cfg(feature = "http2")]
            Link::Stream(_) => true,
        }
    }

    /// It speaks HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        !matches!(self.link, Link::Alone { .. })
    }

    /// Ready once the connection has let go of the request before.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match &mut self.link {
            Link::Alone { sender, .. } => sender.poll_ready(cx),
            #[cfg(feature = "http2")]
            Link::AloneHttp2 { sender, .. } => sender.poll_ready(cx),
            #[cfg(feature = "http2")]
            Link::Stream(stream) => stream.sender.poll_ready(cx),
        }
    }

    pub(crate) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Reply<B>> {
        let reply = self.reply.poll(cx);
        #[cfg(feature = "http2")]
        if let (Link::Stream(stream), Poll::Ready(Ok(_))) = (&self.link, &reply) {
            stream.heard();
        }
        reply
    }
}

impl<B> Conn<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Starts the next request; [`poll_reply`](Self::poll_reply) waits for its answer.
    pub(crate) fn send(&mut self, request: Request<B>) {
        self.requests += 1;
        match &mut self.link {
            Link::Alone { sender, .. } => self.reply.set(sender.try_send_request(request)),
            #[cfg(feature = "http2")]
            Link::AloneHttp2 { sender, .. } => {
                self.reply.set(sender.try_send_request(request));
            }
            #[cfg(feature = "http2")]
            Link::Stream(stream) => self.reply.set(stream.sender.try_send_request(request)),
        }
    }
}

impl<B> Drop for Conn<B> {
    fn drop(&mut self) {
        // With its answer complete, hyper would go on sending the body to the end, or wait for it. A
        // stream is reset instead, and its connection stays.
        match &self.link {
            Link::Alone { task, .. } if self.meter.sending() => task.abort(),
            _ => {}
        }
    }
}

impl<B> fmt::Debug for Conn<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("id", &self.id)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}
