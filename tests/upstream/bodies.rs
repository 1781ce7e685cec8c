//! Request bodies: streamed, remembered, repeated, or read first (NU-12 to NU-14, HD-6).

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_upstream::{ErrorKind, RequestBuffering};

use crate::body::{pieces, put, with_trailers};
use crate::peer::{OK, answering, closing, fetch_as, recording, refusing, statuses, upstream};

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
    let mut request = put(with_trailers());
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
async fn a_body_arrives_whatever_the_callers_version() {
    let (peer, seen) = recording(OK).await;
    let upstream = upstream([peer.server()], |b| b);
    for version in [http::Version::HTTP_2, http::Version::HTTP_3] {
        let mut request = put(pieces(1, 5, Duration::ZERO));
        *request.version_mut() = version;
        fetch_as(&upstream, request).await.unwrap();
        let sent = seen.lock().unwrap().pop().unwrap();
        assert!(
            sent.starts_with("put / http/1.1\r\n"),
            "{version:?}: {sent}"
        );
        assert!(
            sent.contains("\r\n\r\n5\r\nxxxxx\r\n0\r\n"),
            "{version:?}: {sent}"
        );
    }
}

#[tokio::test]
async fn trailers_do_not_cost_an_http_1_0_request_its_body() {
    for buffering in [
        RequestBuffering::On { max: 100 },
        RequestBuffering::Replay { limit: 100 },
        RequestBuffering::Off,
    ] {
        let (peer, seen) = recording(OK).await;
        let upstream = upstream([peer.server()], |b| b.request_buffering(buffering));
        let mut request = put(with_trailers());
        *request.version_mut() = http::Version::HTTP_10;
        fetch_as(&upstream, request).await.unwrap();
        let sent = seen.lock().unwrap().pop().unwrap();
        assert!(
            sent.contains("content-length: 2\r\n"),
            "{buffering:?}: {sent}"
        );
        assert!(sent.ends_with("\r\n\r\nhi"), "{buffering:?}: {sent}");
    }
}

#[tokio::test]
async fn w11_an_unbuffered_body_that_came_with_its_head_moves_on() {
    let (a, b) = (closing().await, answering(OK).await);
    let upstream = upstream([a.server(), b.server()], |b| {
        b.request_buffering(RequestBuffering::Off)
    });
    // Between a client and the peers, as a gateway is.
    let (mut client, server) = tokio::io::duplex(1024);
    let service =
        hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            upstream.send(request)
        });
    let server =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    tokio::spawn(server);
    let request = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nten bytes.";
    client.write_all(request).await.unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    assert_eq!((a.accepted(), b.accepted()), (1, 1));
}
