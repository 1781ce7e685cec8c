//! What only the builder has: keys worked out of a request, budgets that are shared. And that what it
//! sets is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use tower_upstream::balance::{Affinity, EjectionCap, Key, Method, SlowStart, Subset};
use tower_upstream::breaker::{Consecutive, FailureRules, SlowFault};
use tower_upstream::retry::{Budget, BudgetConfig};
use tower_upstream::{
    Choice, Group, GroupConfig, HashKey, HealthCheck, Hedge, NextUpstream, Proxy, Server, Trail,
    Upstream,
};

use crate::peer::{OK, Peer, answering, closing};

async fn three() -> Vec<Peer> {
    vec![
        answering(OK).await,
        answering(OK).await,
        answering(OK).await,
    ]
}

/// Who is asked.
async fn asked(upstream: &Upstream, mut request: http::request::Builder) -> String {
    let trail = Trail::new();
    request = request.extension(trail.clone());
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    upstream.send(request).await.expect("an answer");
    trail.attempts()[0].peer.to_string()
}

/// Who is asked, for keys of `request`, of a group that hashes them as NGINX does.
async fn by_key(peers: &[Peer], key: &str) -> String {
    let reference = peers
        .iter()
        .fold(Upstream::builder(), |b, p| b.server(p.server()));
    let reference = reference.method(Method::Hash).build().expect("a group");
    let affinity = Affinity {
        key: Key::new(key),
        ..Affinity::default()
    };
    asked(&reference, Request::get("/").extension(affinity)).await
}

#[tokio::test]
async fn a_closure_says_which_key_a_request_has() {
    let peers = three().await;
    let build = |method| {
        let group = peers
            .iter()
            .fold(Upstream::builder(), |b, p| b.server(p.server()));
        let tenant = |head: &http::request::Parts| {
            assert!(head.headers.contains_key("x-tenant"), "all of the head");
            head.uri.path().split('/').nth(1).map(str::to_owned)
        };
        group
            .method(method)
            .hash_by(tenant)
            .build()
            .expect("a group")
    };
    let upstream = build(Method::Hash);
    for key in ["a", "b", "c", "d", "e", "user42"] {
        let request = Request::get(format!("/{key}/orders?x={key}")).header("X-Tenant", "1");
        assert_eq!(
            asked(&upstream, request).await,
            by_key(&peers, key).await,
            "{key}"
        );
    }
    // What a request carries goes first.
    let carried = Affinity {
        key: Key::new("b"),
        ..Affinity::default()
    };
    let request = Request::get("/h/")
        .header("X-Tenant", "1")
        .extension(carried);
    assert_eq!(asked(&upstream, request).await, by_key(&peers, "b").await);
}

#[tokio::test]
async fn a_closure_is_asked_once_a_request_and_only_by_methods_that_hash() {
    let peers = [closing().await, closing().await, closing().await];
    for (method, times) in [(Method::ConsistentHash, 1), (Method::RoundRobin, 0)] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let group = peers
            .iter()
            .fold(Upstream::builder(), |b, p| b.server(p.server()));
        let group = group.method(method).hash_by(move |_| {
            counted.fetch_add(1, Relaxed);
            None
        });
        let upstream = group.build().expect("a group");
        let failed = upstream.send(Request::new(Empty::<Bytes>::new())).await;
        assert_eq!(failed.unwrap_err().attempts(), 3);
        assert_eq!(count.load(Relaxed), times, "{method:?}");
    }
}

#[tokio::test]
async fn a_metadata_key_is_a_header() {
    let peers = three().await;
    let group = peers
        .iter()
        .fold(Upstream::builder(), |b, p| b.server(p.server()));
    let group = group
        .method(Method::Hash)
        .hash_key(HashKey::Header("x-tenant".into()));
    let upstream = group.build().expect("a group");
    for key in ["a", "b", "h"] {
        let request = Request::get("/").header("X-Tenant", key);
        assert_eq!(
            asked(&upstream, request).await,
            by_key(&peers, key).await,
            "{key}"
        );
    }
}

#[test]
fn variables_are_for_files() {
    let group = Upstream::builder().hash_key(HashKey::Variables("$uri".into()));
    let error = group.build().unwrap_err();
    let problems = [
        "hash key \"$uri\": variables are for configuration files",
        "no servers are inside upstream \"upstream\"",
    ];
    assert_eq!(error.problems(), problems);
}

#[tokio::test]
async fn a_shared_budget_is_spent_by_all_of_its_groups() {
    let budget = Budget::new(0, 1);
    let mut attempts = 0;
    for _ in 0..2 {
        let peers = [closing().await, closing().await];
        let group = peers.iter().fold(Upstream::builder(), |b, p| {
            b.server(p.server().max_fails(0))
        });
        let group = group
            .next_upstream(NextUpstream::ERROR)
            .shared_budget(budget.clone());
        let upstream = group.build().expect("a group");
        for _ in 0..10 {
            let failed = upstream.send(Request::new(Empty::<Bytes>::new())).await;
            attempts += failed.unwrap_err().attempts();
        }
    }
    let snapshot = budget.snapshot(tokio::time::Instant::now());
    assert_eq!((snapshot.withdrawn, snapshot.refused), (10, 10));
    assert_eq!(attempts, 20 + 10);
}

#[test]
fn what_is_set_is_what_it_is_built_from() {
    let budget = BudgetConfig {
        percent: 7,
        ..BudgetConfig::default()
    };
    let slow_start = SlowStart {
        window: Duration::from_secs(7),
        ..SlowStart::default()
    };
    let built = Upstream::builder()
        .server(Server::new("127.0.0.1:1"))
        .method(Method::PeakEwma)
        .slow_start(slow_start)
        .subset(Subset { size: 7, seed: 7 })
        .failure_rule(Consecutive::default())
        .ejection_cap(Choice::On(EjectionCap::default()))
        .slow_fault(Choice::On(SlowFault::default()))
        .shadow(true)
        .health_check(HealthCheck::tcp())
        .retry_budget(budget)
        .hedge(Hedge::default())
        .build()
        .expect("a group");
    let config = built.group().config();
    let mut expected = GroupConfig::new("upstream");
    expected.servers = vec![Server::new("127.0.0.1:1")];
    expected.method = Method::PeakEwma;
    expected.slow_start = Some(slow_start);
    expected.subset = Some(Subset { size: 7, seed: 7 });
    expected.failure_rule = FailureRules::Consecutive(Consecutive::default());
    expected.ejection_cap = Choice::On(EjectionCap::default());
    expected.slow_fault = Choice::On(SlowFault::default());
    expected.shadow = true;
    expected.health_check = Some(HealthCheck::tcp());
    expected.retry_budget = Some(budget);
    assert_eq!(config, &expected);
    let hedged = Proxy {
        hedge: Some(Hedge::default()),
        ..Proxy::default()
    };
    assert_eq!(built.proxy(), &hedged);
}

/// Of 24 bits drawn alike in two workers, one in sixteen million comes out the same by chance.
#[tokio::test]
async fn workers_draw_each_for_itself() {
    let peers = [answering(OK).await, answering(OK).await];
    let mut config = GroupConfig::new("drawn");
    config.servers = peers.iter().map(Peer::server).collect();
    config.method = Method::Random;
    let group = Group::new(config).expect("a group");
    let mut drawn = Vec::new();
    for _ in 0..2 {
        let worker = Upstream::new(group.worker(), Proxy::default());
        let mut names = Vec::new();
        for _ in 0..24 {
            names.push(asked(&worker, Request::get("/")).await);
        }
        drawn.push(names);
    }
    assert_ne!(drawn[0], drawn[1]);
}
