//! A body on its way to a client that says how much it can take.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::{Reason, SendStream};
use hyper::body::{Body, Frame};
use tokio::time::timeout;
use tower_upstream::BoxError;

use crate::body::Reply;
use crate::io::SEND_TIMEOUT;

/// The client does not want more, or cannot be told.
struct Over;

/// Sends `reply` to its end. Of a body whose client takes nothing one piece is held, and nothing more
/// is asked for.
pub async fn body(mut reply: Reply, mut stream: SendStream<Bytes>) {
    // A stream that is over needs no more words.
    let _ = frames(&mut reply, &mut stream).await;
}

async fn frames(reply: &mut Reply, stream: &mut SendStream<Bytes>) -> Result<(), Over> {
    loop {
        let frame = match next(reply, stream).await? {
            None => return stream.send_data(Bytes::new(), true).map_err(|_| Over),
            Some(Ok(frame)) => frame,
            Some(Err(_)) => {
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Err(Over);
            }
        };
        match frame.into_data() {
            Ok(data) => {
                let end = reply.is_end_stream();
                piece(data, end, stream).await?;
                if end {
                    return Ok(());
                }
            }
            Err(frame) => {
                let Ok(trailers) = frame.into_trailers() else {
                    continue;
                };
                return stream.send_trailers(trailers).map_err(|_| Over);
            }
        }
    }
}

/// What comes next, unless the client takes back its request.
async fn next(
    reply: &mut Reply,
    stream: &mut SendStream<Bytes>,
) -> Result<Option<Result<Frame<Bytes>, BoxError>>, Over> {
    poll_fn(|cx| match Pin::new(&mut *reply).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(Ok(frame)),
        Poll::Pending => stream.poll_reset(cx).map(|_| Err(Over)),
    })
    .await
}

/// Sends a piece as the client makes room for it.
async fn piece(mut data: Bytes, end: bool, stream: &mut SendStream<Bytes>) -> Result<(), Over> {
    if data.is_empty() && !end {
        return Ok(());
    }
    loop {
        stream.reserve_capacity(data.len());
        let room = match stream.capacity() {
            0 if !data.is_empty() => room(stream).await?,
            room => room,
        };
        if room == 0 && !data.is_empty() {
            continue;
        }
        let part = data.split_to(room.min(data.len()));
        let last = data.is_empty();
        stream.send_data(part, end && last).map_err(|_| Over)?;
        if last {
            return Ok(());
        }
    }
}

/// Waits for room.
async fn room(stream: &mut SendStream<Bytes>) -> Result<usize, Over> {
    let room = poll_fn(|cx| stream.poll_capacity(cx));
    match timeout(SEND_TIMEOUT, room).await {
        Ok(Some(Ok(room))) => Ok(room),
        Ok(_) => Err(Over),
        Err(_) => {
            stream.send_reset(Reason::INTERNAL_ERROR);
            Err(Over)
        }
    }
}
