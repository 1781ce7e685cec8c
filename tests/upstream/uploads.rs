//! Uploads that end otherwise than their callers said, or after the answer they were for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::sleep;
use tower_upstream::{BoxError, ErrorKind, NextUpstream, RequestBuffering, Semantics, Trail};

use crate::body::{Short, pieces, put};
use crate::peer::{OK, closing, fetch_as, peer, recording, silent, standing, until, upstream};

#[tokio::test]
async fn a_callers_broken_body_blames_nobody() {
    let (a, b) = (closing().await, closing().await);
    let upstream = upstream([a.server(), b.server()], |b| {
        b.next_upstream(NextUpstream::ERROR | NextUpstream::NON_IDEMPOTENT)
    });
    let broken = stream::iter([
        Ok(Frame::data(Bytes::from("half"))),
        Err::<_, BoxError>("the caller hung up".into()),
    ]);
    let trail = Trail::new();
    let mut request = http::Request::post("/")
        .body(StreamBody::new(broken))
        .unwrap();
    request.extensions_mut().insert(trail.clone());
    let error = upstream.send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestBody);
    assert_eq!(trail.attempts().len(), 1);
    assert_eq!(standing(&upstream), [(0, 0), (0, 0)]);
}

#[tokio::test]
async fn an_early_answer_is_passed_on_and_its_connection_closed() {
    // RS-14: 413 while most of the body is still to come.
    let early = peer(|_, mut stream| async move {
        stream.head().await;
        stream
            .write("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
            .await;
        stream.closed().await;
    })
    .await;
    let upstream = upstream([early.server()], |b| b.keepalive(4));
    let body = pieces(1000, 100_000, Duration::from_millis(1));
    let reply = upstream.send(put(body)).await.unwrap();
    assert_eq!(reply.status(), 413);
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "no");
    assert_eq!(upstream.group().idle_connections(), 0);
    assert_eq!(standing(&upstream), [(0, 0)]);
}

#[tokio::test]
async fn a_body_shorter_than_promised_is_its_callers_failure_and_never_arrives_as_whole() {
    for (buffering, attempts) in [
        (RequestBuffering::Replay { limit: 100 }, 1),
        (RequestBuffering::On { max: 100 }, 0),
        (RequestBuffering::Off, 0),
    ] {
        let (a, b) = (closing().await, recording(OK).await);
        let upstream = upstream([a.server(), b.0.server()], |b| {
            b.request_buffering(buffering)
        });
        let error = fetch_as(&upstream, put(Short::default()))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.status().as_u16(), error.attempts()),
            (ErrorKind::RequestBody, 400, attempts),
            "{buffering:?}"
        );
        assert_eq!(standing(&upstream), [(0, 0), (0, 0)], "{buffering:?}");
        assert!(b.1.lock().unwrap().is_empty(), "{buffering:?}");
    }
}

#[tokio::test]
async fn a_body_that_panics_is_its_callers_failure_and_is_polled_once() {
    let (a, b) = (closing().await, closing().await);
    let upstream = upstream([a.server(), b.server()], |b| b);
    let polls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&polls);
    let body = stream::poll_fn(move |_| -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        count.fetch_add(1, SeqCst);
        panic!("this panic belongs to the test");
    });
    let request = put(StreamBody::new(body));
    let error = fetch_as(&upstream, request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::RequestBody, 1)
    );
    assert_eq!(standing(&upstream), [(0, 0), (0, 0)]);
    assert_eq!(polls.load(SeqCst), 1);
}

#[tokio::test]
async fn a_caller_that_stalls_in_its_body_blames_nobody() {
    let (a, b) = (silent().await, silent().await);
    let limit = Duration::from_millis(100);
    let upstream = upstream([a.server(), b.server()], |b| {
        b.send_timeout(limit)
            .read_timeout(limit)
            .request_timeout(limit * 4)
            .semantics(Semantics::Strict)
    });
    let half = stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from("half")))]);
    let request = put(StreamBody::new(half.chain(stream::pending())));
    let error = fetch_as(&upstream, request).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Deadline, 1));
    assert_eq!(standing(&upstream), [(0, 0), (0, 0)]);
}

/// A body that never ends: silent after the first piece, or one more every few milliseconds. It is
/// dropped when `alive` is the last one.
fn endless(
    drips: bool,
    alive: &Arc<()>,
) -> impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static {
    let alive = Arc::clone(alive);
    StreamBody::new(stream::unfold(alive, move |alive| async move {
        match drips {
            true => sleep(Duration::from_millis(5)).await,
            false => std::future::pending().await,
        }
        Some((Ok(Frame::data(Bytes::from_static(b"drip"))), alive))
    }))
}

#[tokio::test]
async fn a_body_does_not_outlive_its_answer() {
    for drips in [false, true] {
        let early = peer(|_, mut stream| async move {
            stream.head().await;
            stream.write(OK).await;
            stream.closed().await;
        })
        .await;
        let upstream = upstream([early.server()], |b| b.keepalive(4));
        let alive = Arc::new(());
        let answer = fetch_as(&upstream, put(endless(drips, &alive))).await;
        assert_eq!(answer.unwrap(), (200, "ok".into()));
        until(|| Arc::strong_count(&alive) == 1).await;
        assert_eq!(upstream.group().idle_connections(), 0);
        assert_eq!(standing(&upstream), [(0, 0)]);
    }
}

#[tokio::test]
async fn an_attempt_that_was_left_lets_go_of_the_body_and_its_connection() {
    // Answers to the head, so that the body is still to come when the next peer is asked.
    let closed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&closed);
    let a = peer(move |_, mut stream| {
        let count = Arc::clone(&count);
        async move {
            stream.head().await;
            stream
                .write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
                .await;
            stream.closed().await;
            count.fetch_add(1, SeqCst);
        }
    })
    .await;
    let (b, seen) = recording(OK).await;
    let upstream = upstream([a.server(), b.server()], |b| {
        b.next_upstream(NextUpstream::HTTP_503)
    });
    let body = pieces(3, 5, Duration::from_millis(50));
    assert_eq!(fetch_as(&upstream, put(body)).await.unwrap().0, 200);
    let sent = seen.lock().unwrap().pop().unwrap();
    assert!(
        sent.ends_with(&format!("{}0\r\n\r\n", "5\r\nxxxxx\r\n".repeat(3))),
        "{sent}"
    );
    until(|| closed.load(SeqCst) == 1).await;
}
