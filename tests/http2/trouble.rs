use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use tokio::task::JoinSet;
use tower_upstream::{ErrorKind, Http2, Semantics};

use crate::server::{fetch, server, upstream};

/// What is under way is answered, what comes after goes over a new connection, and what the peer
/// says it did not take is sent again. NGINX takes that for an invalid header (GR-4).
#[tokio::test]
async fn a_peer_that_says_goodbye_fails_nobody() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Strict, Http2::default());
    let mut running = JoinSet::new();
    for n in 0..200 {
        let upstream = upstream.clone();
        running.spawn(async move {
            tokio::time::sleep(Duration::from_millis(n)).await;
            fetch(&upstream, 20, "").await.0
        });
        if n == 100 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            h2.say_goodbye();
        }
    }
    let statuses = running.join_all().await;
    let failed = statuses.iter().filter(|status| **status != 200).count();
    assert_eq!(failed, 0, "{statuses:?}");
    assert!(h2.accepted() >= 2);
}

/// Whoever comes after the goodbye finds that out, and takes nobody's connection away.
#[tokio::test]
async fn a_goodbye_leaves_what_is_under_way_alone() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    assert_eq!(fetch(&upstream, 0, "").await.0, 200);
    let long = tokio::spawn({
        let upstream = upstream.clone();
        async move { fetch(&upstream, 400, "not twice").await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    h2.say_goodbye();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        assert_eq!(fetch(&upstream, 0, "").await.0, 200);
    }
    assert_eq!(h2.accepted(), 2);
    assert_eq!(long.await.unwrap().1, "HTTP/2.0 orders/a 9");
}

/// What HTTP/2 cannot say is the caller's mistake: no peer is asked, and none is blamed.
#[tokio::test]
async fn a_host_that_is_none_is_refused() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    assert_eq!(fetch(&upstream, 0, "").await.0, 200);
    for host in ["a b", "", "[", "a:b:c"] {
        let request = http::Request::get("/a").header("host", host);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let error = upstream.send(request).await.map(drop).unwrap_err();
        let asked = (error.kind(), error.attempts());
        assert_eq!(asked, (ErrorKind::InvalidRequest, 0), "{host:?}");
    }
}
