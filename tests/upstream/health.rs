//! What active checks say of members: beside passive failures, and for every worker.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use tower_upstream::breaker::State;
use tower_upstream::{Group, GroupConfig, Proxy, Server, Upstream};

use crate::peer;

fn group(servers: Vec<Server>) -> Group {
    let mut config = GroupConfig::new("orders");
    config.servers = servers;
    Group::new(config).unwrap()
}

/// What is known of each peer: the active verdict, and the passive one.
fn shown(group: &Group) -> Vec<(Option<bool>, State)> {
    let peers = group.snapshot().into_iter();
    peers.map(|p| (p.state.healthy, p.state.state)).collect()
}

fn two() -> Vec<Server> {
    vec![Server::new("127.0.0.1:1"), Server::new("127.0.0.1:2")]
}

#[test]
fn a_verdict_reaches_workers_that_are_there_and_that_come_later() {
    let group = group(two());
    let early = group.worker();
    group.members().set_health("127.0.0.1:1", false);
    let late = group.worker();
    for view in [&group, &early, &late] {
        let expected = [(Some(false), State::Closed), (None, State::Closed)];
        assert_eq!(shown(view), expected);
    }
}

#[test]
fn who_leaves_and_returns_has_no_verdict() {
    let group = group(two());
    let members = group.members();
    members.set_health("127.0.0.1:1", false);
    members.set_health("127.0.0.1:9", false);
    members.drain("127.0.0.1:1", true);
    assert_eq!(shown(&group)[0].0, Some(false), "who stays keeps it");
    members.remove("127.0.0.1:1");
    members.insert(Server::new("127.0.0.1:1")).unwrap();
    members.insert(Server::new("127.0.0.1:9")).unwrap();
    let verdicts: Vec<_> = shown(&group).iter().map(|(healthy, _)| *healthy).collect();
    assert_eq!(verdicts, [None; 3], "nor had who was no member");
}

/// The one is banned, the other unhealthy, and neither is what the other is.
#[tokio::test]
async fn passive_and_active_verdicts_stand_apart_and_both_keep_requests_away() {
    let well = peer::answering(peer::OK).await;
    let unhealthy = peer::answering(peer::OK).await;
    let banned = peer::refusing().await.fail_timeout(Duration::from_secs(60));
    let group = group(vec![banned, unhealthy.server(), well.server()]);
    let members = group.members();
    members.set_health(&unhealthy.address.to_string(), false);
    let orders = Upstream::new(group.clone(), Proxy::default());
    for _ in 0..6 {
        let request = http::Request::new(Empty::<Bytes>::new());
        assert_eq!(orders.send(request).await.unwrap().status(), 200);
    }
    assert_eq!((well.accepted(), unhealthy.accepted()), (6, 0));
    let expected = [
        (None, State::Open),
        (Some(false), State::Closed),
        (None, State::Closed),
    ];
    assert_eq!(shown(&group), expected);
    members.set_health(&unhealthy.address.to_string(), true);
    for _ in 0..2 {
        let request = http::Request::new(Empty::<Bytes>::new());
        assert_eq!(orders.send(request).await.unwrap().status(), 200);
    }
    assert_eq!((well.accepted(), unhealthy.accepted()), (7, 1));
}
