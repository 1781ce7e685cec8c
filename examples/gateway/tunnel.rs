//! After a 101: bytes both ways, until one side ends or nothing moves for too long.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

use crate::exchange::Exchange;
use crate::stream::Stream;

/// A tunnel that opens once the client has its 101.
pub struct Tunnel {
    /// The peer's side.
    pub peer: OnUpgrade,
    /// `proxy_read_timeout`: how long nothing may move (TO-5).
    pub read_timeout: Duration,
    /// `proxy_send_timeout`: how long the peer may take nothing.
    pub send_timeout: Duration,
    /// Logged when the tunnel closes.
    pub exchange: Box<Exchange>,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").finish_non_exhaustive()
    }
}

impl Tunnel {
    /// Relays until it is over. `early` is what the client sent behind its request.
    pub async fn run(self, client: Stream, early: Bytes) {
        let Ok(peer) = self.peer.await else {
            return;
        };
        let activity = Activity::new();
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (from_peer, to_peer) = tokio::io::split(TokioIo::new(peer));
        let mut from_peer = Watched::new(from_peer, &activity);
        let mut to_peer = Watched::new(to_peer, &activity);
        let mut exchange = self.exchange;
        let upwards = async {
            to_peer.write_all(&early).await?;
            tokio::io::copy(&mut from_client, &mut to_peer).await
        };
        let downwards = tokio::io::copy(&mut from_peer, &mut to_client);
        // The end of either side ends both, as in NGINX.
        tokio::select! {
            _ = upwards => {}
            sent = downwards => exchange.sent += sent.unwrap_or(0),
            () = activity.stopped(self.read_timeout, self.send_timeout) => {}
        }
    }
}

/// When something last moved, and whether the peer's side is stuck.
struct Activity {
    start: Instant,
    /// Milliseconds after `start`.
    last: AtomicU64,
    stuck: AtomicBool,
}

impl Activity {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            stuck: AtomicBool::new(false),
        }
    }

    fn moved(&self) {
        let now = self.start.elapsed().as_millis();
        self.last
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns once nothing has moved for too long.
    async fn stopped(&self, read: Duration, send: Duration) {
        loop {
            let last = self.start + Duration::from_millis(self.last.load(Ordering::Relaxed));
            let stuck = self.stuck.load(Ordering::Relaxed);
            let limit = if stuck { send.min(read) } else { read };
            let end = last + limit;
            if Instant::now() >= end {
                return;
            }
            // A peer may get stuck while we sleep for the longer of the two.
            tokio::time::sleep_until(end.min(Instant::now() + send.max(Duration::from_millis(1))))
                .await;
        }
    }
}

/// The peer's side, which notes what moves.
struct Watched<'a, S> {
    inner: S,
    activity: &'a Activity,
}

impl<'a, S> Watched<'a, S> {
    fn new(inner: S, activity: &'a Activity) -> Self {
        Self { inner, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if read.is_ready() {
            self.activity.moved();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.activity
            .stuck
            .store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            self.activity.moved();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
