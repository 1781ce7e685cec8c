//! The socket as hyper sees it: it notes what a head looked like, and puts right the few bytes of
//! an answer that hyper would write differently from NGINX.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::{Client, Phase, Wire};
use crate::refuse;
use crate::replayed::Replayed;
use crate::stream::Stream;

/// How long a client may take nothing of its answer.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of heads remembered; more than any head may have by default.
const RAW_LIMIT: usize = 64 * 1024;

/// The end of a body in chunks, without trailers.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A client's socket.
#[derive(Debug)]
pub struct ClientIo {
    stream: Replayed<Stream>,
    client: Arc<Client>,
    /// What is written in place of what hyper gave.
    instead: Option<Instead>,
}

#[derive(Debug)]
struct Instead {
    bytes: Vec<u8>,
    written: usize,
    /// How much of hyper's bytes it stands for.
    claim: usize,
}

impl ClientIo {
    /// The socket of `client`.
    pub fn new(stream: Replayed<Stream>, client: Arc<Client>) -> Self {
        Self {
            stream,
            client,
            instead: None,
        }
    }

    /// The bare socket.
    pub fn into_inner(self) -> Stream {
        self.stream.into_inner()
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(instead) = &mut self.instead else {
            return Poll::Ready(Ok(0));
        };
        while instead.written < instead.bytes.len() {
            let rest = &instead.bytes[instead.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => instead.written += written,
            }
        }
        let claim = instead.claim;
        self.instead = None;
        Poll::Ready(Ok(claim))
    }

    fn rewrite(&mut self, buf: &[u8]) -> Option<Vec<u8>> {
        let mut wire = self.client.wire();
        let head = (wire.old || !wire.spelling.is_usual()) && buf.starts_with(b"HTTP/1.");
        let tail = !wire.tail.is_empty() && buf.ends_with(LAST_CHUNK);
        if head || tail {
            let mut bytes = buf.to_vec();
            if head {
                // NGINX answers 1.0 clients with a 1.1 status line too.
                bytes[7] = b'1';
                wire.old = false;
                std::mem::take(&mut wire.spelling).spell(&mut bytes);
            }
            if tail {
                bytes.truncate(bytes.len() - b"\r\n".len());
                bytes.append(&mut wire.tail);
                bytes.extend_from_slice(b"\r\n");
            }
            return Some(bytes);
        }
        // A body can look like anything, so looks count only while nothing of ours is on its way.
        if wire.phase == Phase::Busy || self.client.is_unwritten() {
            return None;
        }
        if !refuse::is_automatic(buf) {
            return None;
        }
        wire.linger = true;
        let raw = wire.rest_of_raw().to_vec();
        drop(wire);
        Some(refuse::refuse(&self.client, &raw, buf))
    }
}

/// Notes bytes that belong to a head.
fn note(client: &Client, wire: &mut Wire, bytes: &[u8]) {
    match wire.phase {
        _ if wire.discarding => return,
        Phase::Busy => return,
        Phase::Idle => {
            wire.phase = Phase::Head;
            wire.begun = Instant::now();
            wire.deadline = Some(wire.begun + client.worker.header_timeout(client.listen));
        }
        Phase::Head => {}
    }
    if wire.taken > 0 {
        wire.raw.clear();
        wire.taken = 0;
        wire.body_seen = false;
        wire.later_than_body = false;
    }
    let room = RAW_LIMIT.saturating_sub(wire.raw.len());
    wire.raw.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

impl AsyncRead for ClientIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        let mut wire = this.client.wire();
        if fresh.is_empty() {
            if wire.hold_eof && wire.phase == Phase::Busy {
                // The end is seen again by the read that follows the answer.
                return Poll::Pending;
            }
        } else {
            note(&this.client, &mut wire, fresh);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() {
            if let Some(bytes) = this.rewrite(buf) {
                this.instead = Some(Instead {
                    bytes,
                    written: 0,
                    claim: buf.len(),
                });
            }
        }
        let written = if this.instead.is_some() {
            this.poll_instead(cx)
        } else {
            Pin::new(&mut this.stream).poll_write(cx, buf)
        };
        let mut wire = this.client.wire();
        match written.is_ready() {
            true => wire.advance(),
            false => wire.stall(Instant::now(), SEND_TIMEOUT),
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has written everything.
        let this = self.get_mut();
        this.client.set_unwritten(false);
        // Under TLS there is more to send than has been written.
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        let mut wire = this.client.wire();
        match flushed.is_ready() {
            true => wire.finish(Instant::now),
            false => wire.stall(Instant::now(), SEND_TIMEOUT),
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing is the connection's business: it may have to linger, or to become a tunnel.
        Poll::Ready(Ok(()))
    }
}
