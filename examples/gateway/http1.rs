//! One connection in HTTP/1, from its first byte to its last.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::Request;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::alarm::Alarm;
use crate::client::{Client, Phase};
use crate::handle::handle;
use crate::http2::PREFACE;
use crate::incoming::Incoming;
use crate::io::ClientIo;
use crate::refuse;
use crate::replayed::Replayed;
use crate::stream::Stream;

/// hyper refuses smaller buffers.
const LEAST_BUFFER: usize = 8192;

/// What remains of a client's bytes is read for so long in all, and so long after the last of them:
/// closing on them would reset the connection and lose the answer.
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a connection to its end, and what it may become after.
pub async fn serve(stream: Replayed<Stream>, client: Arc<Client>) {
    let handler = Arc::clone(&client);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let client = Arc::clone(&handler);
        let request = request.map(Incoming::Http1);
        async move {
            let answer = handle(Arc::clone(&client), request).await;
            client.set_unwritten(true);
            answer
        }
    });
    let io = TokioIo::new(ClientIo::new(stream, Arc::clone(&client)));
    let most = client.worker.head_limit(client.listen).max(LEAST_BUFFER);
    let mut connection = hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .title_case_headers(true)
        .max_buf_size(most)
        .allow_multiple_spaces_in_request_line_delimiters(true)
        // Small answers go out in one piece, which is cheaper than two.
        .writev(false)
        .serve_connection(io, service);
    let finished = drive(&mut connection, &client).await;
    let parts = connection.into_parts();
    let (tunnel, mut linger) = {
        let mut wire = client.wire();
        (wire.tunnel.take(), wire.linger)
    };
    if !finished {
        return;
    }
    let mut stream = parts.io.into_inner().into_inner();
    if let Some(tunnel) = tunnel {
        tunnel.run(stream, parts.read_buf).await;
        return;
    }
    if parts.read_buf.starts_with(PREFACE) && client.is_new() {
        // To whom hyper has nothing to say.
        let page = refuse::preface(&client);
        let _ = timeout(LINGER_TIMEOUT, stream.write_all(&page)).await;
        linger = true;
    }
    // A client that has gone already is none of our business, nor is one that hears no goodbye.
    let told = timeout(LINGER_TIMEOUT, stream.shutdown()).await;
    if matches!(told, Ok(Ok(()))) && linger {
        let _ = timeout(LINGER_TIME, swallow(&mut stream)).await;
    }
}

/// Reads and forgets, until the client ends or pauses for long.
async fn swallow(stream: &mut Stream) {
    let mut scrap = [0; 4096];
    while let Ok(Ok(1..)) = timeout(LINGER_TIMEOUT, stream.read(&mut scrap)).await {}
}

/// Polls a connection and its alarm. False if the connection ran out of time.
async fn drive<C>(connection: &mut C, client: &Arc<Client>) -> bool
where
    C: Future<Output = hyper::Result<()>> + Unpin,
{
    let worker = &client.worker;
    let mut leave = pin!(worker.leave.notified());
    let mut alarm = Alarm::new();
    let mut left = false;
    let mut first = true;
    poll_fn(|cx| {
        if first {
            first = false;
            // Registers this task, which is woken even though nobody polls this again.
            let _ = leave.as_mut().poll(cx);
        }
        if !left && worker.leaving.load(Ordering::Relaxed) {
            left = true;
            client.leave();
        }
        if Pin::new(&mut *connection).poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        let deadline = || client.wire().next_deadline();
        ready!(alarm.poll(cx, deadline));
        let phase = client.wire().phase;
        if phase == Phase::Head {
            refuse::head_timed_out(client);
        }
        Poll::Ready(false)
    })
    .await
}
