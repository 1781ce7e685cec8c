use std::time::Duration;

use tokio::task::JoinSet;
use tower_upstream::{Http2, Semantics, Upstream};

use crate::server::{fetch, server, until, upstream};

async fn at_once(upstream: &Upstream, many: usize, takes: u64) {
    let mut running = JoinSet::new();
    for _ in 0..many {
        let upstream = upstream.clone();
        running.spawn(async move { fetch(&upstream, takes, "").await });
    }
    for (status, text) in running.join_all().await {
        assert_eq!((status, text.as_str()), (200, "HTTP/2.0 orders/a 0"));
    }
}

#[tokio::test]
async fn requests_share_a_connection_and_more_are_made_when_streams_run_out() {
    let h2 = server(1000).await;
    let few = Http2 {
        streams: 10,
        ..Http2::default()
    };
    let upstream = upstream(&[&h2], Semantics::Nginx, few);
    at_once(&upstream, 10, 50).await;
    assert_eq!(
        h2.accepted(),
        1,
        "the first makes it, the others wait for it"
    );
    at_once(&upstream, 35, 100).await;
    assert_eq!(h2.accepted(), 4, "ten streams each");
}

#[tokio::test]
async fn the_peer_s_own_limit_holds() {
    let h2 = server(5).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    // Its settings come with its first answer.
    at_once(&upstream, 1, 0).await;
    at_once(&upstream, 20, 100).await;
    assert_eq!(h2.accepted(), 4);
}

#[tokio::test]
async fn bodies_and_hosts_arrive() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    let (status, text) = fetch(&upstream, 0, "four").await;
    assert_eq!((status, text.as_str()), (200, "HTTP/2.0 orders/a 4"));
}

#[tokio::test]
async fn a_quiet_connection_is_closed() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    at_once(&upstream, 3, 0).await;
    assert_eq!(h2.open(), 1);
    until(|| h2.open() == 0).await;
    at_once(&upstream, 3, 0).await;
    assert_eq!(h2.accepted(), 2);
}

#[tokio::test]
async fn nothing_stays_when_the_group_is_gone() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    at_once(&upstream, 3, 0).await;
    drop(upstream);
    until(|| h2.open() == 0).await;
}

#[tokio::test]
async fn a_caller_that_leaves_frees_its_stream_and_not_the_connection() {
    let h2 = server(100).await;
    let few = Http2 {
        streams: 2,
        ..Http2::default()
    };
    let upstream = upstream(&[&h2], Semantics::Nginx, few);
    for _ in 0..5 {
        let left = tokio::time::timeout(Duration::from_millis(30), fetch(&upstream, 5000, ""));
        assert!(left.await.is_err());
        let snapshot = upstream.group().snapshot();
        assert_eq!(snapshot[0].state.in_flight, 0);
    }
    at_once(&upstream, 1, 0).await;
    assert_eq!(h2.accepted(), 1);
}
