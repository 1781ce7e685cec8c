//! A configuration is read again while its group serves.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use tower_upstream::{Group, GroupConfig, Proxy, Semantics, Sticky, StickyLearn, Trail, Upstream};

use crate::peer::{OK, Peer, answering, closing};

/// Three letters for addresses.
struct Fleet {
    /// It closes what it is sent.
    bad: Peer,
    good: Peer,
    other: Peer,
}

async fn fleet() -> Fleet {
    Fleet {
        bad: closing().await,
        good: answering(OK).await,
        other: answering(OK).await,
    }
}

fn config(semantics: Semantics, zone: bool, peers: &[&Peer]) -> GroupConfig {
    let mut config = GroupConfig::new("orders");
    let long = Duration::from_secs(60);
    let servers = peers.iter().map(|peer| peer.server().fail_timeout(long));
    config.servers = servers.collect();
    (config.semantics, config.zone) = (semantics, zone);
    config
}

/// Whom a request asks.
async fn asks(group: &Group, cookie: &str) -> Vec<String> {
    let upstream = Upstream::new(group.worker(), Proxy::default());
    let trail = Trail::new();
    let request = Request::get("/")
        .extension(trail.clone())
        .header("Cookie", cookie);
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    if let Ok(answer) = upstream.send(request).await {
        answer.into_body().collect().await.expect("a body");
    }
    trail
        .attempts()
        .iter()
        .map(|a| a.peer.to_string())
        .collect()
}

fn addresses(peers: &[&Peer]) -> Vec<String> {
    peers.iter().map(|peer| peer.address.to_string()).collect()
}

#[tokio::test]
async fn a_zone_that_is_strict_goes_on() {
    let fleet = fleet().await;
    let first = config(Semantics::Strict, true, &[&fleet.bad, &fleet.good]);
    let group = Group::new(first).expect("a group");
    assert_eq!(
        asks(&group, "").await,
        addresses(&[&fleet.bad, &fleet.good])
    );
    let mut second = config(Semantics::Strict, true, &[&fleet.bad, &fleet.other]);
    second.keepalive.connections = 7;
    let next = group.reconfigured(second.clone()).expect("a group");
    // Until it is said, nothing is another.
    assert_eq!(asks(&group, "").await, addresses(&[&fleet.good]));
    let next = next.apply();
    assert_eq!(next.config(), &second);
    for _ in 0..3 {
        assert_eq!(
            asks(&next, "").await,
            addresses(&[&fleet.other]),
            "one is banned, one gone"
        );
        assert_eq!(
            asks(&group, "").await,
            addresses(&[&fleet.other]),
            "they are one"
        );
    }
}

#[tokio::test]
async fn what_is_not_applied_changes_nothing() {
    let fleet = fleet().await;
    let group = Group::new(config(Semantics::Strict, true, &[&fleet.good])).expect("a group");
    let next = config(Semantics::Strict, true, &[&fleet.other]);
    drop(group.reconfigured(next).expect("a group"));
    let wrong = config(Semantics::Strict, true, &[]);
    let error = group.reconfigured(wrong).unwrap_err();
    assert_eq!(
        error.problems(),
        ["no servers are inside upstream \"orders\""]
    );
    assert_eq!(asks(&group, "").await, addresses(&[&fleet.good]));
}

#[tokio::test]
async fn others_start_without_a_past_and_leave_the_old_one_alone() {
    let fleet = fleet().await;
    let (bad, good, other) = (&fleet.bad, &fleet.good, &fleet.other);
    let mut rules = config(Semantics::Strict, true, &[bad, other]);
    rules.shadow = true;
    let cases = [
        (
            Semantics::Nginx,
            true,
            config(Semantics::Nginx, true, &[bad, other]),
        ),
        (
            Semantics::Strict,
            false,
            config(Semantics::Strict, false, &[bad, other]),
        ),
        (
            Semantics::Strict,
            true,
            config(Semantics::Strict, false, &[bad, other]),
        ),
        (
            Semantics::Strict,
            true,
            config(Semantics::Nginx, true, &[bad, other]),
        ),
        (Semantics::Strict, true, rules),
    ];
    for (semantics, zone, next) in cases {
        let group = Group::new(config(semantics, zone, &[bad, good])).expect("a group");
        let why = format!("{semantics:?}, zone {zone}, then {next:?}");
        assert_eq!(asks(&group, "").await, addresses(&[bad, good]), "{why}");
        let next = group.reconfigured(next).expect("a group").apply();
        assert_eq!(asks(&next, "").await, addresses(&[bad, other]), "{why}");
        let old = group.members().servers();
        assert_eq!(old[1].address, good.address.to_string(), "{why}");
    }
}

#[tokio::test]
async fn sessions_outlive_the_groups_past() {
    let session = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: s=x\r\n\r\n";
    let (one, two) = (answering(session).await, answering(session).await);
    let mut first = config(Semantics::Nginx, false, &[&one, &two]);
    first.sticky = Some(Sticky::Learn(StickyLearn::new(
        "$upstream_cookie_s",
        "$cookie_s",
    )));
    let group = Group::new(first.clone()).expect("a group");
    let upstream = Upstream::new(group.clone(), Proxy::default());
    for _ in 0..2 {
        let answer = upstream.send(Request::new(Empty::<Bytes>::new())).await;
        answer
            .expect("an answer")
            .into_body()
            .collect()
            .await
            .expect("a body");
    }
    let next = group.reconfigured(first.clone()).expect("a group").apply();
    assert_eq!(
        asks(&next, "s=x").await,
        addresses(&[&two]),
        "the last one served it"
    );
    first.sticky = Some(Sticky::Learn(StickyLearn::new(
        "$upstream_cookie_t",
        "$cookie_s",
    )));
    let next = next.reconfigured(first).expect("a group").apply();
    assert_eq!(
        asks(&next, "s=x").await,
        addresses(&[&one]),
        "another table"
    );
}

#[tokio::test]
async fn a_servers_weight_may_change_and_its_past_stays() {
    let fleet = fleet().await;
    let build = |weight| {
        let mut config = config(Semantics::Strict, true, &[&fleet.bad, &fleet.good]);
        config.servers[0] = config.servers[0].clone().weight(weight);
        config
    };
    let group = Group::new(build(1)).expect("a group");
    assert_eq!(asks(&group, "").await.len(), 2);
    let next = group.reconfigured(build(5)).expect("a group").apply();
    assert_eq!(next.snapshot()[0].state.fails, 1);
    assert_eq!(next.members().servers()[0].weight, 5);
}
