use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::Client;
use crate::config::Level;
use crate::io::SEND_TIMEOUT;

/// What may come for nothing.
const FLOOD: u64 = 1 << 20;

/// A client's socket, which notes whether the client takes what it is sent, and ends with both sides.
#[derive(Debug)]
pub struct Taking<S> {
    stream: S,
    client: Arc<Client>,
    /// Nothing more is sent.
    ended: bool,
    /// Bytes read.
    read: u64,
}

impl<S> Taking<S> {
    /// The socket of `client`.
    pub fn new(stream: S, client: Arc<Client>) -> Self {
        Self {
            stream,
            client,
            ended: false,
            read: 0,
        }
    }

    /// NGINX's rule: who sends eight times as much as is worth anything, and a good deal on top, does
    /// not mean to be served.
    fn is_flooded(&self) -> bool {
        self.read / 8 > self.client.useful() + FLOOD
    }

    fn note<T>(&self, written: &Poll<T>) {
        let mut wire = self.client.wire();
        match written.is_ready() {
            true => wire.advance(),
            false => wire.stall(Instant::now(), SEND_TIMEOUT),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taking<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.read += (buf.filled().len() - before) as u64;
        if self.is_flooded() {
            let worker = &self.client.worker;
            let message = format_args!("http2 flood detected");
            worker.errors[0].connection(Level::Info, self.client.id, message);
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Taking<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        match flushed.is_ready() {
            true => self.client.wire().finish(Instant::now),
            false => self.note(&flushed),
        }
        flushed
    }

    /// What the client still sends is read and forgotten: closing on it would reset the connection, and
    /// lose the last words.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.ended = true;
            // It has a moment to end, too.
            self.client.leave();
        }
        let mut scrap = [0; 4096];
        loop {
            let mut scrap = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut scrap));
            if read.is_err() || scrap.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
