//! TO: which limit ends what. Limits are short because sockets do not know paused time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::{Instant, sleep, timeout};
use tower_upstream::{Builder, ErrorKind, NextUpstream, RequestBuffering, Semantics, Server};

use crate::body::{nothing, put};
use crate::peer::{
    OK, answering, fetch, fetch_as, get, peer, silent, standing, statuses, upstream,
};

const LIMIT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_silent_peer_ends_with_504_after_read_timeout() {
    let peer = silent().await;
    let upstream = upstream([peer.server()], |b| b.read_timeout(LIMIT));
    let start = Instant::now();
    let error = fetch(&upstream).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::Timeout, 504)
    );
    assert!(
        start.elapsed() >= LIMIT && start.elapsed() < 10 * LIMIT,
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_dripping_header_does_not_prolong_the_wait() {
    let peer = peer(|_, mut stream| async move {
        stream.request().await;
        for byte in OK.chars() {
            stream.write(&byte.to_string()).await;
            sleep(LIMIT / 4).await;
        }
    })
    .await;
    let upstream = upstream([peer.server()], |b| b.read_timeout(LIMIT));
    let start = Instant::now();
    assert_eq!(
        fetch(&upstream).await.unwrap_err().kind(),
        ErrorKind::Timeout
    );
    assert!(start.elapsed() < 5 * LIMIT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn interim_answers_without_end_neither_prolong_the_wait_nor_keep_others_waiting() {
    let flooding = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::new(flooding.local_addr().unwrap().to_string());
    // In a thread of its own, so that there is always something to read.
    std::thread::spawn(move || {
        let (mut stream, _) = flooding.accept().unwrap();
        // What comes before the request is no interim answer to it.
        let _ = std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
        while std::io::Write::write_all(&mut stream, interim.as_bytes()).is_ok() {}
    });
    let limit = LIMIT * 2;
    let upstream = upstream([server], |b| b.read_timeout(limit));
    let start = Instant::now();
    let (answer, turns) = tokio::join!(fetch(&upstream), async {
        let mut turns = 0;
        while start.elapsed() < limit {
            sleep(LIMIT / 100).await;
            turns += 1;
        }
        turns
    });
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(start.elapsed() < limit * 3, "{:?}", start.elapsed());
    assert!(turns >= 3, "others had {turns} turns");
}

#[tokio::test]
async fn a_body_may_take_longer_than_read_timeout_but_not_pause_for_it() {
    let drip = |pause: Duration| {
        peer(move |_, mut stream| async move {
            stream.request().await;
            stream
                .write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
                .await;
            for _ in 0..6 {
                sleep(pause).await;
                stream.write("x").await;
            }
        })
    };
    let steady = drip(LIMIT / 4).await;
    let one = upstream([steady.server()], |b| b.read_timeout(LIMIT));
    assert_eq!(fetch(&one).await.unwrap(), (200, "xxxxxx".into()));

    for (semantics, fails) in [(Semantics::Nginx, 0), (Semantics::Strict, 1)] {
        let (stalling, other) = (drip(LIMIT * 4).await, answering(OK).await);
        let two = upstream([stalling.server(), other.server()], |b| {
            b.read_timeout(LIMIT).semantics(semantics)
        });
        let (status, body) = fetch(&two).await.unwrap();
        assert_eq!(status, 200);
        assert_eq!(body, "cut: timed out while reading upstream");
        assert_eq!(
            standing(&two)[0],
            (fails, 0),
            "a body cut short counts in Strict alone"
        );
    }
}

#[tokio::test]
async fn the_wait_for_the_header_begins_when_the_body_is_sent() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| b.read_timeout(LIMIT));
    assert_eq!(
        fetch_as(&upstream, slow_put()).await.unwrap(),
        (200, "ok".into())
    );
}

#[tokio::test]
async fn waiting_for_the_callers_body_is_not_sending() {
    for limit in [LIMIT / 10, Duration::ZERO] {
        let peer = answering(OK).await;
        let upstream = upstream([peer.server()], |b| b.send_timeout(limit));
        assert_eq!(
            fetch_as(&upstream, slow_put()).await.unwrap(),
            (200, "ok".into()),
            "TO-2, TO-6"
        );
    }
}

/// A request whose body takes two limits to arrive, a piece every quarter.
fn slow_put() -> http::Request<impl http_body::Body<Data = Bytes, Error = std::io::Error>> {
    let pieces = stream::unfold(0, |n| async move {
        sleep(LIMIT / 4).await;
        let frame = http_body::Frame::data(Bytes::from_static(b"x"));
        (n < 8).then_some((Ok::<_, std::io::Error>(frame), n + 1))
    });
    http::Request::put("/")
        .body(StreamBody::new(pieces))
        .unwrap()
}

#[tokio::test]
async fn a_peer_that_takes_no_bytes_ends_with_send_timeout() {
    let peer = peer(|_, mut stream| async move {
        stream.head().await;
        std::future::pending::<()>().await;
    })
    .await;
    let upstream = upstream([peer.server()], |b| b.send_timeout(LIMIT));
    let body = http_body_util::Full::new(Bytes::from(vec![b'x'; 64 << 20]));
    let request = http::Request::put("/").body(body).unwrap();
    let start = Instant::now();
    let error = fetch_as(&upstream, request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(start.elapsed() >= LIMIT, "{:?}", start.elapsed());
    let cause = tower_upstream::find_cause::<tower_upstream::timeout::Elapsed>(&error);
    assert_eq!(cause, Some(&tower_upstream::timeout::Elapsed::Send));
}

/// Who sees the peer take nothing must still see it when it goes on, takes all, and says nothing.
#[tokio::test]
async fn a_peer_that_took_its_time_to_take_the_body_has_read_timeout_to_answer() {
    let peer = peer(|_, mut stream| async move {
        stream.head().await;
        sleep(LIMIT).await;
        stream.closed().await;
    })
    .await;
    let upstream = upstream([peer.server()], |b| b.read_timeout(2 * LIMIT));
    let body = http_body_util::Full::new(Bytes::from(vec![b'x'; 16 << 20]));
    let request = http::Request::put("/").body(body).unwrap();
    let start = Instant::now();
    let asked = timeout(15 * LIMIT, fetch_as(&upstream, request)).await;
    let error = asked.expect("an end before send_timeout").unwrap_err();
    // Whoever gives up looks once more.
    assert!(start.elapsed() < 12 * LIMIT, "{:?}", start.elapsed());
    let cause = tower_upstream::find_cause::<tower_upstream::timeout::Elapsed>(&error);
    assert_eq!(cause, Some(&tower_upstream::timeout::Elapsed::Header));
}

#[tokio::test]
async fn zero_expires_at_once() {
    for reading in [true, false] {
        let (a, b) = (answering(OK).await, answering(OK).await);
        let upstream = upstream([a.server(), b.server()], |b| match reading {
            true => b.read_timeout(Duration::ZERO),
            false => b.connect_timeout(Duration::ZERO),
        });
        assert_eq!(
            statuses(&upstream, get("/")).await,
            [Some(504), Some(504)],
            "TO-6"
        );
    }
}

#[tokio::test]
async fn next_upstream_timeout_forbids_a_further_attempt_but_shortens_none() {
    let (a, b) = (silent().await, answering(OK).await);
    let upstream = upstream([a.server(), b.server()], |b| {
        b.read_timeout(LIMIT).next_upstream_timeout(LIMIT / 2)
    });
    let start = Instant::now();
    assert_eq!(statuses(&upstream, get("/")).await, [Some(504)]);
    assert!(start.elapsed() >= LIMIT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn request_timeout_covers_attempts_and_body_and_blames_nobody() {
    let (a, b) = (silent().await, silent().await);
    let one = upstream([a.server(), b.server()], |b| {
        b.read_timeout(LIMIT * 2)
            .request_timeout(LIMIT)
            .semantics(Semantics::Strict)
    });
    let error = fetch(&one).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Deadline, 1));
    assert_eq!(standing(&one), [(0, 0), (0, 0)]);

    let stalling = answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nx").await;
    let two = upstream([stalling.server(), a.server()], |b| {
        b.request_timeout(LIMIT)
    });
    assert_eq!(
        fetch(&two).await.unwrap(),
        (200, "cut: request timed out".into())
    );
    assert_eq!(standing(&two), [(0, 0), (0, 0)]);
}

#[tokio::test]
async fn a_connection_used_again_is_timed_afresh() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| b.keepalive(1).read_timeout(LIMIT));
    for _ in 0..6 {
        sleep(LIMIT / 3).await;
        assert_eq!(fetch(&upstream).await.unwrap().0, 200);
    }
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_timed_out_attempt_moves_on() {
    let (a, b) = (silent().await, answering(OK).await);
    let upstream = upstream([a.server(), b.server()], |b| {
        b.read_timeout(LIMIT).next_upstream(NextUpstream::TIMEOUT)
    });
    let answer = timeout(LIMIT * 20, statuses(&upstream, get("/")))
        .await
        .unwrap();
    assert_eq!(answer, [Some(504), Some(200)]);
    assert_eq!(standing(&upstream), [(1, 0), (0, 0)]);
}

#[tokio::test]
async fn limits_too_long_for_the_clock_are_none() {
    let longest: [fn(Builder) -> Builder; 6] = [
        |b| b.connect_timeout(Duration::MAX),
        |b| b.send_timeout(Duration::MAX),
        |b| b.read_timeout(Duration::MAX),
        |b| b.request_timeout(Duration::MAX),
        |b| b.next_upstream_timeout(Duration::MAX),
        |b| b.keepalive(1).keepalive_timeout(Duration::MAX),
    ];
    for (n, with) in longest.into_iter().enumerate() {
        let peer = answering(OK).await;
        let upstream = upstream([peer.server()], with);
        let answer = fetch_as(&upstream, put(String::from("hello"))).await;
        assert_eq!(answer.unwrap(), (200, "ok".into()), "limit {n}");
    }
}

#[tokio::test]
async fn a_body_that_turned_out_empty_does_not_put_off_the_wait_for_the_header() {
    let peer = silent().await;
    let upstream = upstream([peer.server()], |b| {
        b.read_timeout(LIMIT)
            .request_buffering(RequestBuffering::On { max: 100 })
    });
    let answer = timeout(LIMIT * 4, fetch_as(&upstream, put(nothing()))).await;
    let error = answer.expect("its own limit").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn request_timeout_ends_a_body_that_never_pauses() {
    let peer = peer(|_, mut stream| async move {
        stream.request().await;
        stream.write("HTTP/1.1 200 OK\r\n\r\n").await;
        let chunk = "x".repeat(1 << 16);
        while tokio::io::AsyncWriteExt::write_all(&mut stream.0, chunk.as_bytes())
            .await
            .is_ok()
        {}
    })
    .await;
    let upstream = upstream([peer.server()], |b| b.request_timeout(LIMIT));
    let start = Instant::now();
    let mut body = upstream.send(get("/")).await.unwrap().into_body();
    let end = loop {
        // There is always something to read.
        sleep(LIMIT / 50).await;
        match body.frame().await {
            Some(Ok(_)) => assert!(start.elapsed() < LIMIT * 4, "still going on"),
            other => break other,
        }
    };
    assert_eq!(end.unwrap().unwrap_err().to_string(), "request timed out");
    assert_eq!(standing(&upstream), [(0, 0)]);
}

#[tokio::test]
async fn a_body_that_broke_off_stays_over() {
    let peer = peer(|_, mut stream| async move {
        stream.request().await;
        stream
            .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            .await;
        sleep(LIMIT * 3 / 2).await;
        stream.write("cd").await;
        stream.closed().await;
    })
    .await;
    let upstream = upstream([peer.server()], |b| b.read_timeout(LIMIT));
    let mut body = upstream.send(get("/")).await.unwrap().into_body();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "ab"
    );
    assert!(body.frame().await.unwrap().is_err());
    sleep(LIMIT).await;
    assert!(http_body::Body::is_end_stream(&body));
    assert!(body.frame().await.is_none());
}
