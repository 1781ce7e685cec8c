use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use http_body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::conn::Conn;
use super::meter::Metered;
use super::target::{Protocol, Target};
use crate::clock;
use crate::error::BoxError;
use crate::timeout::Timer;

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
pub(crate) async fn connect<B, K>(target: &Target, with: Handshake<K>) -> Result<Conn<B>, BoxError>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    K: Keeper,
{
    let (socket, meter) = Metered::new(target.reach(Protocol::Http1).await?);
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .title_case_headers(true)
        .handshake(TokioIo::new(socket))
        .await?;
    let id = with.id;
    let task = tokio::spawn(drive(connection.with_upgrades(), with)).abort_handle();
    Ok(Conn::alone(id, meter, sender, task).to(target))
}

/// The connection's task: hyper's state machine, and the time it may be idle. It ends when the peer
/// closes or sends a stray byte (KA-7), when its owner drops the connection, or when it has been
/// idle for too long.
pub(super) async fn drive<C, K>(connection: C, with: Handshake<K>)
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
