use std::future::Future;
use std::pin::Pin;
use std::sync::Weak;
use std::time::Duration;

#[cfg(feature = "http2")]
use tokio::time::Instant;

use super::config::Http2;
use super::exchange::{Conn, Peer};
use crate::connect;
use crate::error::BoxError;

pub(super) type Connecting = Pin<Box<dyn Future<Output = Result<Conn, ConnectError>> + Send>>;

pub(super) enum ConnectError {
    Timeout,
    Failed(BoxError),
}

/// A new connection, in HTTP/2 if `http2` says how.
#[cfg_attr(not(feature = "http2"), allow(unused_variables))]
pub(super) async fn connect(
    peer: Peer,
    limit: Duration,
    http2: Option<Http2>,
) -> Result<Conn, ConnectError> {
    if limit.is_zero() {
        return Err(ConnectError::Timeout);
    }
    let with: connect::Handshake<Weak<_>> = peer.pool.handshake();
    let connecting = async {
        #[cfg(feature = "http2")]
        if let Some(http2) = http2 {
            let ping = (http2.ping_interval, http2.ping_timeout);
            return connect::http2::connect_alone(&peer.target, ping, with).await;
        }
        connect::connect(&peer.target, with).await
    };
    match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(ConnectError::Failed(error)),
        Err(_) => Err(ConnectError::Timeout),
    }
}

/// A stream of a connection that is shared: of one that another request has just made, or of a new one.
#[cfg(feature = "http2")]
pub(super) async fn connect_shared(
    peer: Peer,
    limit: Duration,
    http2: Http2,
    since: Option<Instant>,
) -> Result<Conn, ConnectError> {
    if limit.is_zero() {
        return Err(ConnectError::Timeout);
    }
    let streams = peer.pool.streams();
    let connecting = async {
        let (_turn, allowed) = streams.turn(&peer.target.address).await;
        if let Some(stream) = streams.open(&peer.target, since) {
            return Ok(stream);
        }
        let (id, rules) = peer.pool.stream_rules(&http2);
        let shared = connect::http2::connect(&peer.target, id, rules, allowed).await?;
        let closed = || "the peer closed the connection at once".into();
        streams.add(&peer.target.address, shared).ok_or_else(closed)
    };
    match tokio::time::timeout(limit, connecting).await {
        Ok(connected) => connected.map_err(ConnectError::Failed),
        Err(_) => Err(ConnectError::Timeout),
    }
}
