//! One connection in HTTP/2: streams come and go on it, each a request of its own.

mod preface;
mod send;
mod stream;
mod taking;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

pub use preface::{PREFACE, is_next};
use taking::Taking;

use crate::alarm::Alarm;
use crate::client::Client;

/// NGINX's `http2_max_concurrent_streams` where nothing is said.
const MOST_STREAMS: u32 = 128;

/// What a client may send of a body before somebody reads it (`http2_body_preread_size`).
const STREAM_WINDOW: u32 = 64 * 1024 - 1;

/// What it may send of all bodies: one that nobody reads must not hold up the others.
const CONNECTION_WINDOW: u32 = MOST_STREAMS * (STREAM_WINDOW + 1);

/// What is kept of an answer its client does not take, per stream.
const SEND_BUFFER: usize = 64 * 1024;

/// Serves a connection to its end.
pub async fn serve<S>(io: S, client: Arc<Client>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let worker = &client.worker;
    let most = u32::try_from(worker.head_limit(client.listen)).unwrap_or(u32::MAX);
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MOST_STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(most)
        .max_send_buffer_size(SEND_BUFFER);
    let io = Taking::new(io, Arc::clone(&client));
    let within = worker.header_timeout(client.listen);
    if let Ok(Ok(connection)) = timeout(within, builder.handshake(io)).await {
        drive(connection, client).await;
    }
}

/// A connection and what becomes of it.
struct Streams<S> {
    connection: Connection<S, Bytes>,
    client: Arc<Client>,
    /// The client has been told to go.
    closing: bool,
    /// Streams it has begun since.
    late: u32,
}

/// Takes in streams until the connection is over, be it that its time has come.
async fn drive<S>(connection: Connection<S, Bytes>, client: Arc<Client>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let worker = Arc::clone(&client.worker);
    let mut streams = Streams {
        connection,
        client,
        closing: false,
        late: 0,
    };
    let mut leave = pin!(worker.leave.notified());
    let mut alarm = Alarm::new();
    let mut first = true;
    poll_fn(|cx| {
        if first {
            first = false;
            // Registers this task, which is woken even though nobody polls this again.
            let _ = leave.as_mut().poll(cx);
        }
        if worker.leaving.load(Ordering::Relaxed) && !streams.client.is_leaving() {
            // Once: each time gives another moment.
            streams.client.leave();
        }
        loop {
            if streams.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let deadline = || streams.client.wire().next_deadline();
            let idle_for_long = alarm.poll(cx, deadline).is_ready();
            match idle_for_long || streams.client.is_leaving() {
                true if !streams.closing => streams.close(),
                _ if idle_for_long => return Poll::Ready(()),
                _ => {
                    streams.client.wire().watch(cx);
                    return Poll::Pending;
                }
            }
        }
    })
    .await;
}

impl<S> Streams<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Tells the client to go; what it has begun goes on.
    fn close(&mut self) {
        self.closing = true;
        self.client.leave();
        self.connection.graceful_shutdown();
    }

    /// Ready when there will be no more streams, and all have ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.late += u32::from(self.closing);
                    if self.late > MOST_STREAMS {
                        // More than can have been on their way: it does not listen.
                        self.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                        continue;
                    }
                    tokio::spawn(stream::serve(Arc::clone(&self.client), request, respond));
                }
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
