use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::ReusableBoxFuture;

use super::Address;
use super::meter::{Meter, Metered};
use super::tcp::Socket;
use crate::clock;
use crate::error::BoxError;
use crate::timeout::Timer;

type Reply<B> = Result<Response<Incoming>, TrySendError<Request<B>>>;

/// An HTTP/1 connection to a peer, owned by one request at a time or by the idle list.
pub(crate) struct Conn<B> {
    /// Tells connections of a pool apart.
    pub(crate) id: u64,
    /// Requests it was used for, the running one included.
    pub(crate) requests: u64,
    pub(crate) meter: Arc<Meter>,
    /// For whatever the running request waits for.
    pub(crate) timer: Timer,
    sender: SendRequest<B>,
    task: AbortHandle,
    /// hyper's own future has no name to put in a struct; its box is kept for all requests.
    reply: ReusableBoxFuture<'static, Reply<B>>,
}

impl<B> Conn<B>
where
    B: Body + Send + 'static,
{
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Ready once the connection has let go of the request before.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.sender.poll_ready(cx)
    }

    /// Starts the next request; [`poll_reply`](Self::poll_reply) waits for its answer.
    pub(crate) fn send(&mut self, request: Request<B>)
    where
        B::Data: Send,
    {
        self.requests += 1;
        self.reply.set(self.sender.try_send_request(request));
    }

    pub(crate) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Reply<B>> {
        self.reply.poll(cx)
    }
}

impl<B> Drop for Conn<B> {
    fn drop(&mut self) {
        // With its answer complete, hyper would go on sending the body to the end, or wait for it.
        if self.meter.sending() {
            self.task.abort();
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

/// What a new connection is told about itself.
pub(crate) struct Handshake<K> {
    pub(crate) id: u64,
    /// How long it may be idle; `None` if it will never be.
    pub(crate) idle: Option<Duration>,
    /// Asked when that time may be over, told when the connection has ended.
    pub(crate) keeper: K,
}

/// The pool's side of a connection's life.
pub(crate) trait Keeper: Send + Sync + 'static {
    /// Takes the connection out if it has been idle for too long; an error says when to ask again.
    fn expire(&self, id: u64) -> Result<(), Instant>;
    /// The connection has ended.
    fn ended(&self, id: u64);
}

/// Connects, and leaves a task behind that drives the connection and ends with it.
pub(crate) async fn connect<B, K>(
    address: &Address,
    with: Handshake<K>,
) -> Result<Conn<B>, BoxError>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    K: Keeper,
{
    let (socket, meter) = Metered::new(Socket::connect(address).await?);
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .title_case_headers(true)
        .handshake(TokioIo::new(socket))
        .await?;
    let id = with.id;
    let task = tokio::spawn(drive(connection.with_upgrades(), with)).abort_handle();
    Ok(Conn {
        id,
        requests: 0,
        meter,
        timer: Timer::new(clock::now()),
        sender,
        task,
        reply: ReusableBoxFuture::new(std::future::pending()),
    })
}

/// The connection's task: hyper's state machine, and the time it may be idle. It ends when the peer
/// closes or sends a stray byte (KA-7), when its owner drops the connection, or when it has been
/// idle for too long.
async fn drive<C, K>(connection: C, with: Handshake<K>)
where
    C: Future,
    K: Keeper,
{
    let Handshake { id, idle, keeper } = with;
    {
        let mut connection = pin!(connection);
        let mut check = idle.map(|idle| clock::after(clock::now(), idle));
        let mut timer = check.map(Timer::new);
        poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let (Some(check), Some(timer)) = (&mut check, &mut timer) else {
                return Poll::Pending;
            };
            loop {
                ready!(timer.poll_until(*check, cx));
                match keeper.expire(id) {
                    Ok(()) => return Poll::Ready(()),
                    Err(later) => *check = later,
                }
            }
        })
        .await;
        // The connection is gone before the pool forgets it: whoever finds it there until then sees
        // that it is closed.
    }
    keeper.ended(id);
}
