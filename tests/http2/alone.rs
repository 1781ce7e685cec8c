//! One stream per connection: what NGINX does for `grpc_pass` (GR-6).

use std::time::Duration;

use tokio::task::JoinSet;
use tower_upstream::{Http2, Semantics, Upstream};

use crate::server::{fetch, keeping, server, until};

const ONE: Http2 = Http2 {
    streams: 1,
    ping_interval: None,
    ping_timeout: Duration::from_secs(20),
};

async fn ask(upstream: &Upstream, takes: u64, body: &'static str) {
    let (status, text) = fetch(upstream, takes, body).await;
    let expected = format!("HTTP/2.0 orders/a {}", body.len());
    assert_eq!((status, text), (200, expected));
}

async fn at_once(upstream: &Upstream, many: usize) {
    let mut running = JoinSet::new();
    for _ in 0..many {
        let upstream = upstream.clone();
        running.spawn(async move { ask(&upstream, 50, "x").await });
    }
    running.join_all().await;
}

#[tokio::test]
async fn a_connection_serves_one_after_the_other_and_never_two() {
    let h2 = server(100).await;
    let upstream = keeping(8, &[&h2], Semantics::Nginx, ONE);
    for body in ["", "four", ""] {
        ask(&upstream, 0, body).await;
    }
    assert_eq!((h2.accepted(), upstream.group().idle_connections()), (1, 1));
    at_once(&upstream, 5).await;
    assert_eq!((h2.accepted(), upstream.group().idle_connections()), (5, 5));
}

#[tokio::test]
async fn keepalive_says_how_many_are_kept() {
    let h2 = server(100).await;
    for (connections, kept) in [(0, 0), (2, 2)] {
        let upstream = keeping(connections, &[&h2], Semantics::Nginx, ONE);
        at_once(&upstream, 4).await;
        assert_eq!(upstream.group().idle_connections(), kept);
        until(|| h2.open() == kept).await;
    }
    // Those of a group that is gone go with it.
    until(|| h2.open() == 0).await;
}

#[tokio::test]
async fn who_leaves_takes_the_connection_along() {
    let h2 = server(100).await;
    let upstream = keeping(8, &[&h2], Semantics::Nginx, ONE);
    let left = tokio::time::timeout(Duration::from_millis(30), fetch(&upstream, 5000, "x"));
    assert!(left.await.is_err());
    until(|| h2.open() == 0).await;
    let peer = &upstream.group().snapshot()[0].state;
    assert_eq!((peer.in_flight, peer.fails), (0, 0));
    ask(&upstream, 0, "").await;
    assert_eq!(h2.accepted(), 2);
}

#[tokio::test]
async fn an_idle_connection_ends_with_its_time_or_its_peer() {
    let h2 = server(100).await;
    let upstream = keeping(8, &[&h2], Semantics::Nginx, ONE);
    ask(&upstream, 0, "").await;
    // `keepalive_timeout` is a second here.
    until(|| h2.open() == 0 && upstream.group().idle_connections() == 0).await;
    ask(&upstream, 0, "").await;
    h2.say_goodbye();
    until(|| h2.open() == 0 && upstream.group().idle_connections() == 0).await;
}

/// GR-6: a goodbye that covers the request changes nothing for it, but ends the connection. Nor does the
/// look at how long the connection has been idle, after a second here.
#[tokio::test]
async fn a_goodbye_meanwhile_is_no_failure() {
    let h2 = server(100).await;
    let upstream = keeping(8, &[&h2], Semantics::Nginx, ONE);
    let (asking, ()) = tokio::join!(ask(&upstream, 1300, "x"), async {
        until(|| h2.open() == 1).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        h2.say_goodbye();
    });
    let () = asking;
    until(|| h2.open() == 0).await;
    assert_eq!(upstream.group().snapshot()[0].state.fails, 0);
}
