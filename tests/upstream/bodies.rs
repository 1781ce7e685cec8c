//! Request bodies: streamed, remembered, repeated, or read first (NU-12 to NU-14, HD-6).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::time::sleep;
use tower_upstream::{BoxError, ErrorKind, NextUpstream, RequestBuffering, Trail};

use crate::peer::{OK, Peer, fetch_as, peer, refusing, standing, statuses, upstream};

/// Records the requests it answers.
async fn recording(reply: &'static str) -> (Peer, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let peer = peer(move |_, mut stream| {
        let record = Arc::clone(&record);
        async move {
            while let Some(request) = stream.request().await {
                record.lock().unwrap().push(request.to_ascii_lowercase());
                stream.write(reply).await;
            }
        }
    })
    .await;
    (peer, seen)
}

/// Reads a whole request and closes.
async fn closing() -> Peer {
    peer(|_, mut stream| async move {
        stream.request().await;
    })
    .await
}

/// A body of unknown length that arrives in pieces.
fn pieces(
    count: usize,
    size: usize,
    pause: Duration,
) -> impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static {
    StreamBody::new(stream::unfold(0, move |n| async move {
        if n > 0 {
            sleep(pause).await;
        }
        let frame = Frame::data(Bytes::from(vec![b'x'; size]));
        (n < count).then_some((Ok(frame), n + 1))
    }))
}

fn put<B>(body: B) -> http::Request<B> {
    http::Request::put("/").body(body).unwrap()
}

#[tokio::test]
async fn a_known_length_is_announced_and_an_unknown_one_is_chunked() {
    let (peer, seen) = recording(OK).await;
    let upstream = upstream([peer.server()], |b| b.keepalive(1));
    fetch_as(&upstream, put(Full::new(Bytes::from("hello"))))
        .await
        .unwrap();
    fetch_as(&upstream, put(pieces(2, 3, Duration::ZERO)))
        .await
        .unwrap();
    fetch_as(
        &upstream,
        http::Request::get("/")
            .body(pieces(1, 3, Duration::ZERO))
            .unwrap(),
    )
    .await
    .unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen[0].contains("content-length: 5\r\n") && seen[0].ends_with("\r\n\r\nhello"));
    for chunked in &seen[1..] {
        assert!(
            chunked.contains("transfer-encoding: chunked\r\n"),
            "{chunked}"
        );
        assert!(!chunked.contains("content-length"), "{chunked}");
    }
    assert_eq!(
        peer.accepted(),
        1,
        "a request that was sent whole leaves a clean connection"
    );
}

#[tokio::test]
async fn the_callers_own_framing_headers_are_replaced() {
    let (peer, seen) = recording(OK).await;
    let upstream = upstream([peer.server()], |b| b);
    let mut request = put(Full::new(Bytes::from("hello")));
    request
        .headers_mut()
        .insert("content-length", "99".parse().unwrap());
    request
        .headers_mut()
        .insert("transfer-encoding", "chunked".parse().unwrap());
    fetch_as(&upstream, request).await.unwrap();
    assert!(seen.lock().unwrap()[0].contains("content-length: 5\r\n"));
    assert!(!seen.lock().unwrap()[0].contains("transfer-encoding"));
}

#[tokio::test]
async fn a_streamed_body_is_sent_again_whole() {
    let (next, seen) = recording(OK).await;
    let upstream = upstream([closing().await.server(), next.server()], |b| b);
    let request = put(pieces(3, 4, Duration::from_millis(5)));
    assert_eq!(statuses(&upstream, request).await, [Some(502), Some(200)]);
    // By now all of it is there, so its length is known.
    let seen = seen.lock().unwrap();
    assert!(seen[0].ends_with("\r\n\r\nxxxxxxxxxxxx"), "{}", seen[0]);
}

#[tokio::test]
async fn past_the_limit_a_started_request_is_not_repeated() {
    let (next, _) = recording(OK).await;
    let limited =
        |b: tower_upstream::Builder| b.request_buffering(RequestBuffering::Replay { limit: 1000 });
    let one = upstream([closing().await.server(), next.server()], limited);
    let big = put(pieces(3, 400, Duration::from_millis(5)));
    assert_eq!(statuses(&one, big).await, [Some(502)]);
    // Nothing was sent to a peer that refused.
    let two = upstream([refusing().await, next.server()], limited);
    let big = put(pieces(3, 400, Duration::from_millis(5)));
    assert_eq!(statuses(&two, big).await, [Some(502), Some(200)]);
}

#[tokio::test]
async fn w11_unbuffered_bodies() {
    let off = |b: tower_upstream::Builder| b.request_buffering(RequestBuffering::Off);
    let (next, _) = recording(OK).await;
    let late = || put(pieces(2, 50_000, Duration::from_millis(20)));
    let one = upstream([closing().await.server(), next.server()], off);
    assert_eq!(statuses(&one, late()).await, [Some(502)], "still arriving");
    let two = upstream([refusing().await, next.server()], off);
    assert_eq!(
        statuses(&two, late()).await,
        [Some(502), Some(200)],
        "nothing was sent"
    );
    let three = upstream([closing().await.server(), next.server()], off);
    let at_hand = put(Full::new(Bytes::from("ten bytes.")));
    assert_eq!(
        statuses(&three, at_hand).await,
        [Some(502), Some(200)],
        "complete from the start"
    );
}

#[tokio::test]
async fn a_buffered_body_is_read_first_and_has_a_length() {
    let (peer, seen) = recording(OK).await;
    let upstream = upstream([peer.server()], |b| {
        b.request_buffering(RequestBuffering::On { max: 100 })
    });
    fetch_as(&upstream, put(pieces(3, 4, Duration::from_millis(5))))
        .await
        .unwrap();
    assert!(seen.lock().unwrap()[0].contains("content-length: 12\r\n"));

    for body in [101, 5000] {
        let error = fetch_as(&upstream, put(pieces(1, body, Duration::ZERO)))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.status().as_u16()),
            (ErrorKind::BodyTooLarge, 413)
        );
        let known = put(Full::new(Bytes::from(vec![b'x'; body])));
        let error = fetch_as(&upstream, known).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::BodyTooLarge, 0)
        );
    }
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn http_1_0_requests_are_never_chunked() {
    let (peer, seen) = recording(OK).await;
    let upstream = upstream([peer.server()], |b| b);
    let mut request = put(pieces(2, 3, Duration::from_millis(5)));
    *request.version_mut() = http::Version::HTTP_10;
    fetch_as(&upstream, request).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("put / http/1.0\r\n"), "{}", seen[0]);
    assert!(seen[0].contains("content-length: 6\r\n"), "{}", seen[0]);
}

#[tokio::test]
async fn trailers_are_forwarded() {
    let (peer, seen) = recording(OK).await;
    let upstream = upstream([peer.server()], |b| b);
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "12".parse().unwrap());
    let frames = [Frame::data(Bytes::from("hi")), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, BoxError>)));
    let mut request = put(body);
    request
        .headers_mut()
        .insert("trailer", "x-sum".parse().unwrap());
    fetch_as(&upstream, request).await.unwrap();
    assert!(
        seen.lock().unwrap()[0].ends_with("0\r\nx-sum: 12\r\n\r\n"),
        "{:?}",
        seen.lock()
    );
}

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
