use std::time::Duration;

use http_body::Body;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::tasks::Tasks;
use crate::connect::conn::Conn;
use crate::connect::http1::{Handshake, Keeper, drive};
use crate::connect::target::{Protocol, Target};
use crate::error::BoxError;

/// How often a quiet peer is asked whether it is there, if ever, and how long it has to answer.
pub(crate) type Ping = (Option<Duration>, Duration);

/// Connects, and leaves a task behind that drives the connection and ends with it. It serves one
/// request at a time, and is kept like one in HTTP/1 (GR-6).
pub(crate) async fn connect<B, K>(
    target: &Target,
    (interval, timeout): Ping,
    with: Handshake<K>,
) -> Result<Conn<B>, BoxError>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    K: Keeper,
{
    let socket = target.reach(Protocol::Http2).await?;
    let tasks = Tasks::default();
    let mut builder = http2::Builder::new(tasks.clone());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(super::MOST_HEADERS)
        .keep_alive_interval(interval)
        .keep_alive_timeout(timeout);
    let (sender, connection) = builder.handshake(TokioIo::new(socket)).await?;
    let id = with.id;
    let driven = async move { _ = connection.await };
    tokio::spawn(drive(driven, with));
    // Not with that task: it ends when the peer says goodbye, and a request that it has taken does not.
    Ok(Conn::alone_http2(id, sender, tasks.ending()).to(target))
}
