//! A and AAAA records.

use std::time::{Duration, Instant};

use hickory_server::proto::rr::RecordType;
use tower_upstream::{ResolverConfig, Server};

use crate::name_server::{Mood, NameServer, alias, host, orders};
use crate::watching::{plain, until, updates};

#[tokio::test]
async fn addresses_follow_their_records() {
    tokio::join!(changes(), families(), aliases(), many(), names_of_servers());
}

/// The set changes, and the order of those who stay does not.
async fn changes() {
    let server = NameServer::start(orders(0, &["10.0.0.1", "10.0.0.2"])).await;
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80", "10.0.0.2:80"]).await;
    server.holds(orders(0, &["10.0.0.3", "10.0.0.2"]));
    until(&mut updates, &["10.0.0.2:80", "10.0.0.3:80"]).await;
    server.holds(orders(0, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]));
    until(&mut updates, &["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]).await;
    let order: Vec<String> = updates
        .watch()
        .members()
        .iter()
        .map(|member| member.address.to_string())
        .collect();
    assert_eq!(order, ["10.0.0.2:80", "10.0.0.3:80", "10.0.0.1:80"]);
}

async fn families() {
    let server = NameServer::start(vec![
        host("orders", 60, "10.0.0.1"),
        host("orders", 60, "fd00::1"),
    ])
    .await;
    let both = server.config();
    let four = ResolverConfig {
        ipv6: false,
        ..both.clone()
    };
    let six = ResolverConfig {
        ipv4: false,
        ..both.clone()
    };
    until(
        &mut updates(&both, &plain()),
        &["10.0.0.1:80", "[fd00::1]:80"],
    )
    .await;
    let asked = server.asked(RecordType::AAAA).len();
    until(&mut updates(&four, &plain()), &["10.0.0.1:80"]).await;
    assert_eq!(server.asked(RecordType::AAAA).len(), asked);
    until(&mut updates(&six, &plain()), &["[fd00::1]:80"]).await;
}

/// The lifetime is that of the alias if it is shorter.
async fn aliases() {
    let held = |ip| {
        vec![
            alias("orders", 0, "shop"),
            alias("shop", 60, "rack"),
            host("rack", 60, ip),
        ]
    };
    let server = NameServer::start(held("10.0.0.1")).await;
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    server.holds(held("10.0.0.2"));
    until(&mut updates, &["10.0.0.2:80"]).await;
}

/// More than a datagram holds: the rest is had over TCP.
async fn many() {
    let ips: Vec<String> = (1..=99).map(|n| format!("10.0.0.{n}")).collect();
    let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
    let server = NameServer::start(orders(60, &ips)).await;
    let mut expected: Vec<String> = ips.iter().map(|ip| format!("{ip}:80")).collect();
    expected.sort();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    until(&mut updates(&server.config(), &plain()), &expected).await;
}

/// `resolver localhost:PORT`
async fn names_of_servers() {
    let server = NameServer::start(orders(60, &["10.0.0.1"])).await;
    let config = ResolverConfig {
        servers: vec![format!("localhost:{}", server.address.port())],
        ..server.config()
    };
    until(&mut updates(&config, &plain()), &["10.0.0.1:80"]).await;
}

#[tokio::test]
async fn looks_are_as_far_apart_as_lifetimes_say() {
    tokio::join!(
        apart(1, None, 2),
        apart(0, None, 1),
        apart(60, Some(Duration::from_millis(500)), 1),
        lasting(),
        in_slices(),
    );
}

/// Records of this TTL are looked up again after so many seconds, never sooner.
async fn apart(ttl: u32, valid: Option<Duration>, seconds: u64) {
    let server = NameServer::start(orders(ttl, &["10.0.0.1"])).await;
    let config = ResolverConfig {
        valid,
        ipv6: false,
        ..server.config()
    };
    let mut updates = updates(&config, &plain());
    for _ in 0..3 {
        updates.look().await;
    }
    let asked = server.asked(RecordType::A);
    assert_eq!(asked.len(), 3, "one question a look");
    for pair in asked.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap >= Duration::from_secs(seconds), "after {gap:?}");
        assert!(gap < Duration::from_secs(seconds + 5), "after {gap:?}");
    }
}

async fn lasting() {
    let server = NameServer::start(orders(60, &["10.0.0.1"])).await;
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    let again = tokio::time::timeout(Duration::from_secs(3), updates.look()).await;
    assert!(again.is_err(), "the record is good for a minute");
    assert_eq!(server.asked(RecordType::A).len(), 1);
}

/// Futures that are dropped halfway lose nothing: the look goes on with the next one.
async fn in_slices() {
    let server = NameServer::start(orders(60, &["10.0.0.1"])).await;
    server.mood(Mood::AnswersAfter(Duration::from_millis(250)));
    let mut updates = updates(&server.config(), &plain());
    let started = Instant::now();
    let mut slices = 0;
    while updates.watch().members().is_empty() {
        let slice = tokio::time::timeout(Duration::from_millis(20), updates.next());
        let _ = slice.await;
        slices += 1;
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    assert!(slices > 5, "{slices}");
    assert!(started.elapsed() >= Duration::from_millis(250));
}

/// Nobody is asked for what this machine is called.
#[tokio::test]
async fn the_systems_own_configuration_is_the_default() {
    let line = Server::new("localhost:80").resolve();
    let config = ResolverConfig {
        ipv6: false,
        ..ResolverConfig::default()
    };
    until(&mut updates(&config, &line), &["127.0.0.1:80"]).await;
}
