//! What is known of a server, and what is forgotten with it.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tower_upstream::{Builder, Group, GroupConfig, PeerSnapshot, Proxy, Server, Upstream};

use crate::fleet::{Fleet, eventually, fetch};

fn upstream(servers: impl IntoIterator<Item = Server>) -> Upstream {
    let builder = Upstream::builder().keepalive(16);
    let builder = servers.into_iter().fold(builder, Builder::server);
    builder.build().unwrap()
}

fn peer(upstream: &Upstream, address: &str) -> PeerSnapshot {
    let peers = upstream.group().snapshot().into_iter();
    let mut found = peers.filter(|peer| peer.address == address);
    found.next().expect("it is a member")
}

/// A server nobody listens at, never tried again within a test.
fn dead(fleet: &Fleet) -> Server {
    let port = fleet.address(0).split_once(':').unwrap().1.to_owned();
    Server::new(format!("127.0.250.250:{port}")).fail_timeout(Duration::from_secs(3600))
}

#[tokio::test]
async fn bans_and_failures_are_kept_with_their_server_and_go_with_it() {
    let fleet = Fleet::start(64, 3).await;
    let dead = dead(&fleet);
    let upstream = upstream([dead.clone(), fleet.server(0)]);
    let members = upstream.group().members();
    let banned = |upstream: &Upstream| {
        let state = peer(upstream, &dead.address).state;
        (state.fails, state.returns_at.is_some())
    };
    for _ in 0..2 {
        fetch(&upstream, "/").await.unwrap();
    }
    assert_eq!(banned(&upstream), (1, true));
    members.insert(fleet.server(1)).unwrap();
    members.drain(&fleet.address(1), true);
    members.remove(&fleet.address(0));
    let others = [fleet.server(2), dead.clone(), fleet.server(1)];
    members.set(others.into()).unwrap();
    assert_eq!(banned(&upstream), (1, true), "through every kind of change");

    assert!(members.remove(&dead.address));
    assert!(!members.remove(&dead.address));
    members.insert(dead.clone()).unwrap();
    assert_eq!(banned(&upstream), (0, false), "no past");
    for _ in 0..3 {
        fetch(&upstream, "/").await.unwrap();
    }
    assert_eq!(banned(&upstream), (1, true), "it was asked again");
}

/// As data: what is read can be set, and nobody loses anything by it.
#[tokio::test]
async fn what_is_read_may_be_set_again() {
    let fleet = Fleet::start(65, 1).await;
    let dead = dead(&fleet);
    let mut config = GroupConfig::new("orders");
    config.servers = vec![
        dead.clone(),
        // Port 80 is not written.
        Server::new("127.0.250.251").backup(),
        fleet.server(0).weight(3),
    ];
    let upstream = Upstream::new(Group::new(config).unwrap(), Proxy::default());
    for _ in 0..4 {
        fetch(&upstream, "/").await.unwrap();
    }
    let before = upstream.group().snapshot();
    assert_eq!(before[0].state.fails, 1);
    let members = upstream.group().members();
    members.set(members.servers()).unwrap();
    assert_eq!(upstream.group().snapshot(), before);
}

/// Requests finish where they are, on connections of their own, and are nobody else's.
#[tokio::test]
async fn requests_in_flight_are_not_those_of_whoever_comes_after() {
    let fleet = Fleet::start(66, 2).await;
    let one = fleet.server(0).max_conns(1);
    let upstream = upstream([one.clone()]);
    let members = upstream.group().members();
    let held = tokio::spawn({
        let upstream = upstream.clone();
        async move { fetch(&upstream, "/held").await }
    });
    let request = http::Request::get("/cut").body(Body::empty()).unwrap();
    let in_flight = |upstream: &Upstream| peer(upstream, &one.address).state.in_flight;
    eventually(|| in_flight(&upstream) == 1, || in_flight(&upstream)).await;
    assert!(fetch(&upstream, "/").await.is_err(), "it is full");

    // Kept with another limit: the request in flight still counts.
    members.insert(fleet.server(0).max_conns(2)).unwrap();
    assert_eq!(in_flight(&upstream), 1);
    let mut streaming = upstream.send(request).await.unwrap().into_body();
    let half = streaming.frame().await.unwrap().unwrap();
    assert_eq!(half.into_data().unwrap(), "half");
    assert_eq!(in_flight(&upstream), 2);
    assert!(fetch(&upstream, "/").await.is_err(), "it is full again");

    // Gone and back: two old requests, and room for a new one.
    members.set(vec![fleet.server(1)]).unwrap();
    members.set(vec![one.clone()]).unwrap();
    assert_eq!(in_flight(&upstream), 0);
    assert_eq!(fetch(&upstream, "/").await.unwrap(), "127.0.66.1");
    let again = upstream.send(http::Request::get("/cut").body(Body::empty()).unwrap());
    let again = again.await.unwrap().into_body();
    assert_eq!(in_flight(&upstream), 1);

    members.set(vec![fleet.server(1)]).unwrap();
    fleet.release.send_replace(true);
    let rest = streaming.collect().await.unwrap().to_bytes();
    assert_eq!(rest, "half", "it finishes where it was");
    assert_eq!(again.collect().await.unwrap().to_bytes(), "halfhalf");
    assert_eq!(held.await.unwrap().unwrap(), "127.0.66.1");
    let left = upstream.group().snapshot();
    assert!(
        left.iter().all(|peer| peer.state.in_flight == 0),
        "{left:?}"
    );
    fleet.has_open(0, 0).await;
}

/// Idle connections go at once, those in use with their answer; those of others stay.
#[tokio::test]
async fn connections_go_with_their_server() {
    let fleet = Fleet::start(67, 3).await;
    let upstream = upstream([fleet.server(0), fleet.server(1), fleet.server(2)]);
    let members = upstream.group().members();
    for _ in 0..3 {
        fetch(&upstream, "/").await.unwrap();
    }
    assert_eq!(upstream.group().idle_connections(), 3);
    let cut = http::Request::get("/cut").body(Body::empty()).unwrap();
    // It takes the idle connection to the first.
    let streaming = upstream.send(cut).await.unwrap().into_body();
    assert_eq!(upstream.group().idle_connections(), 2);

    members.set(vec![fleet.server(2)]).unwrap();
    assert_eq!(upstream.group().idle_connections(), 1);
    fleet.has_open(1, 0).await;
    assert_eq!((fleet.open(0), fleet.open(2)), (1, 1));
    fleet.release.send_replace(true);
    assert_eq!(streaming.collect().await.unwrap().to_bytes(), "halfhalf");
    fleet.has_open(0, 0).await;
    assert_eq!((upstream.group().idle_connections(), fleet.open(2)), (1, 1));
}

/// All workers of a group have the same members, each its own view of them.
#[tokio::test]
async fn every_worker_sees_every_change() {
    let fleet = Fleet::start(68, 2).await;
    let first = upstream([fleet.server(0)]);
    let second = Upstream::new(first.group().worker(), Proxy::default());
    for upstream in [&first, &second] {
        assert_eq!(fetch(upstream, "/").await.unwrap(), "127.0.68.1");
    }
    second.group().members().set(vec![fleet.server(1)]).unwrap();
    for upstream in [&first, &second] {
        assert_eq!(fetch(upstream, "/").await.unwrap(), "127.0.68.2");
    }
    fleet.has_open(0, 0).await;
}
