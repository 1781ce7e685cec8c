//! A body on its way to a client that says how much it can take.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::{Reason, SendStream};
use hyper::body::{Body, Frame};
use tokio::time::timeout;

use super::stream::clean;
use crate::io::SEND_TIMEOUT;

/// The client does not want more, or cannot be told.
struct Over;

/// Sends a body to its end. Of a body whose client takes nothing one piece is held, and nothing more
/// is asked for.
pub async fn all<B>(mut body: B, mut stream: SendStream<Bytes>)
where
    B: Body<Data = Bytes> + Unpin,
{
    // A stream that is over needs no more words.
    let _ = frames(&mut body, &mut stream).await;
}

async fn frames<B>(body: &mut B, stream: &mut SendStream<Bytes>) -> Result<(), Over>
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        let frame = match next(body, stream).await? {
            None => return stream.send_data(Bytes::new(), true).map_err(|_| Over),
            Some(Ok(frame)) => frame,
            Some(Err(_)) => {
                // A reset takes along what still waits to be written: first comes whoever writes it.
                tokio::task::yield_now().await;
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Err(Over);
            }
        };
        match frame.into_data() {
            Ok(data) => {
                let end = body.is_end_stream();
                piece(data, end, stream).await?;
                if end {
                    return Ok(());
                }
            }
            Err(frame) => {
                let mut trailers = frame.into_trailers().unwrap_or_default();
                clean(&mut trailers);
                if trailers.is_empty() {
                    continue;
                }
                return stream.send_trailers(trailers).map_err(|_| Over);
            }
        }
    }
}

/// What comes next, unless the client takes back its request.
async fn next<B>(
    body: &mut B,
    stream: &mut SendStream<Bytes>,
) -> Result<Option<Result<Frame<Bytes>, B::Error>>, Over>
where
    B: Body<Data = Bytes> + Unpin,
{
    poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
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
            // NGINX says so of clients that took too long.
            stream.send_reset(Reason::PROTOCOL_ERROR);
            Err(Over)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use http_body_util::combinators::UnsyncBoxBody;
    use tokio::io::DuplexStream;
    use tokio::time::Instant;

    use super::*;

    /// Pieces without end, counted as they are asked for.
    fn endless(asked: &Arc<AtomicUsize>) -> UnsyncBoxBody<Bytes, std::io::Error> {
        let asked = Arc::clone(asked);
        http_body_util::StreamBody::new(futures_util::stream::repeat_with(move || {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(Frame::data(Bytes::from_static(&[7; 16 * 1024])))
        }))
        .boxed_unsync()
    }

    /// Serves one stream with `body`; gives back how long that took.
    async fn serve(io: DuplexStream, body: UnsyncBoxBody<Bytes, std::io::Error>) -> Duration {
        let mut connection = h2::server::handshake(io).await.expect("a client");
        let accepted = connection.accept().await.expect("a stream");
        let (_, mut respond) = accepted.expect("a request");
        let driver = tokio::spawn(async move { while connection.accept().await.is_some() {} });
        let response = hyper::Response::new(());
        let stream = respond.send_response(response, false).expect("a stream");
        let begun = Instant::now();
        all(body, stream).await;
        let took = begun.elapsed();
        driver.abort();
        took
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_after_a_minute() {
        let asked = Arc::new(AtomicUsize::new(0));
        let (client, server) = tokio::io::duplex(1 << 20);
        let served = tokio::spawn(serve(server, endless(&asked)));
        let (mut client, connection) = h2::client::handshake(client).await.expect("a server");
        let driver = tokio::spawn(connection);
        let request = hyper::Request::new(());
        let (response, _) = client.send_request(request, true).expect("a stream");
        let mut body = response.await.expect("a head").into_body();
        assert_eq!(served.await.expect("an end"), SEND_TIMEOUT);
        // Its window of 64 KiB and the piece that found no room: nobody read ahead.
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        while let Some(Ok(data)) = body.data().await {
            // What was on its way is not given back: the stream has no more to say.
            assert!(!data.is_empty());
        }
        driver.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_little_at_a_time_is_served() {
        let asked = Arc::new(AtomicUsize::new(0));
        let (client, server) = tokio::io::duplex(1 << 20);
        let served = tokio::spawn(serve(server, endless(&asked)));
        let (mut client, connection) = h2::client::handshake(client).await.expect("a server");
        let driver = tokio::spawn(connection);
        let request = hyper::Request::new(());
        let (response, mut stream) = client.send_request(request, true).expect("a stream");
        let mut body = response.await.expect("a head").into_body();
        for _ in 0..10 {
            tokio::time::sleep(SEND_TIMEOUT - Duration::from_secs(1)).await;
            let data = body.data().await.expect("more").expect("an open stream");
            let _ = body.flow_control().release_capacity(data.len());
        }
        stream.send_reset(Reason::CANCEL);
        assert!(served.await.expect("an end") >= 10 * (SEND_TIMEOUT - Duration::from_secs(1)));
        driver.abort();
    }
}
