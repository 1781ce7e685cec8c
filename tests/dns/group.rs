//! A whole upstream whose servers are DNS's to tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hickory_server::proto::rr::Record;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tower_upstream::balance::Method;
use tower_upstream::dns::Follower;
use tower_upstream::{
    ErrorKind, Group, GroupConfig, HashKey, PeerSnapshot, Proxy, ResolverConfig, Semantics, Server,
    Upstream,
};

use crate::fleet::{Fleet, asked, get_from, shares};
use crate::name_server::{Mood, NameServer, host, orders, srv};

const PATIENCE: Duration = Duration::from_secs(15);

/// `server orders.example:PORT resolve;` and whatever else.
fn config(name_server: &NameServer, servers: Vec<Server>) -> GroupConfig {
    let mut config = GroupConfig::new("orders");
    config.servers = servers;
    config.keepalive.connections = 8;
    config.resolver = name_server.config();
    config
}

fn upstream(config: GroupConfig) -> (Upstream, Follower) {
    let group = Group::new(config).unwrap();
    let follower = Follower::new(&group).unwrap();
    (Upstream::new(group, Proxy::default()), follower)
}

/// As an application does it: in a task. It gives back what went wrong on the way.
fn follow(mut follower: Follower) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut troubles = Vec::new();
        while let Some(look) = follower.next().await {
            troubles.extend_from_slice(look.watch.troubles());
        }
        troubles
    })
}

fn line(fleet: &Fleet) -> Server {
    Server::new(format!("orders.example:{}", fleet.port)).resolve()
}

/// Every peer's host, sorted; backups with a `b`.
fn hosts(upstream: &Upstream) -> Vec<String> {
    let shown = |peer: PeerSnapshot| {
        let host = peer.address.split(':').next().unwrap();
        format!("{host}{}", if peer.state.backup { "b" } else { "" })
    };
    let mut hosts: Vec<_> = upstream.group().snapshot().into_iter().map(shown).collect();
    hosts.sort();
    hosts
}

async fn until(upstream: &Upstream, expected: &[&str]) {
    let changing = async {
        while hosts(upstream) != expected {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let changed = timeout(PATIENCE, changing).await;
    assert!(changed.is_ok(), "{:?}, not {expected:?}", hosts(upstream));
}

fn peer(upstream: &Upstream, ip: &str) -> PeerSnapshot {
    let mut peers = upstream.group().snapshot().into_iter();
    let found = peers.find(|peer| peer.address.starts_with(&format!("{ip}:")));
    found.unwrap_or_else(|| panic!("{ip} is a peer"))
}

/// Requests one after the other, each of which has to succeed, until they are stopped.
struct Load {
    going: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Load {
    fn start(upstream: &Upstream) -> Self {
        let (going, done) = (
            Arc::new(AtomicBool::new(true)),
            Arc::<AtomicUsize>::default(),
        );
        let (upstream, go, count) = (upstream.clone(), Arc::clone(&going), Arc::clone(&done));
        let task = tokio::spawn(async move {
            while go.load(Relaxed) {
                get_from(&upstream, "/")
                    .await
                    .expect("every request succeeds");
                count.fetch_add(1, Relaxed);
            }
        });
        Self { going, done, task }
    }

    async fn stop(self) -> usize {
        self.going.store(false, Relaxed);
        self.task.await.expect("every request succeeds");
        self.done.load(Relaxed)
    }
}

#[tokio::test]
async fn requests_go_where_the_records_say() {
    let fleet = Fleet::start(&["127.0.53.1", "127.0.53.2", "127.0.53.3"]).await;
    let mut name_server = NameServer::start(orders(0, &["127.0.53.1", "127.0.53.2"])).await;
    let (orders_service, mut follower) = upstream(config(&name_server, vec![line(&fleet)]));
    let nobody = get_from(&orders_service, "/").await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NoLiveUpstreams, "DN-1");
    timeout(PATIENCE, follower.answered())
        .await
        .expect("an answer");
    let following = follow(follower);
    assert_eq!(
        shares(&orders_service, 4)
            .await
            .into_values()
            .collect::<Vec<_>>(),
        [2, 2]
    );

    let load = Load::start(&orders_service);
    name_server.holds(orders(0, &["127.0.53.2", "127.0.53.3"]));
    until(&orders_service, &["127.0.53.2", "127.0.53.3"]).await;
    let both = shares(&orders_service, 20).await;
    assert!(both.keys().eq(&["127.0.53.2", "127.0.53.3"]), "{both:?}");

    // Nobody to ask: everything stays, for longer than the records live.
    name_server.die();
    sleep(Duration::from_secs(3)).await;
    assert_eq!(hosts(&orders_service), ["127.0.53.2", "127.0.53.3"]);
    name_server.holds(orders(0, &["127.0.53.1"]));
    name_server.come_back().await;
    until(&orders_service, &["127.0.53.1"]).await;
    let done = load.stop().await;
    assert!(done > 100, "{done} requests");

    // NXDOMAIN removes all, and what comes after it is believed again.
    name_server.holds(vec![]);
    until(&orders_service, &[]).await;
    let nobody = get_from(&orders_service, "/").await.unwrap_err();
    assert_eq!(nobody.status().as_u16(), 502);

    drop(orders_service);
    let troubles = timeout(PATIENCE, following)
        .await
        .expect("it ends with the group");
    let troubles = troubles.unwrap().join("\n");
    assert!(troubles.contains("orders.example could not be resolved (3: Host not found)"));
}

#[tokio::test]
async fn a_name_that_returns_brings_its_servers_back() {
    let fleet = Fleet::start(&["127.0.53.4"]).await;
    let name_server = NameServer::start(vec![]).await;
    let mut config = config(&name_server, vec![line(&fleet)]);
    config.resolver = ResolverConfig {
        valid: Some(Duration::from_millis(1)),
        ..config.resolver
    };
    let (orders_service, mut follower) = upstream(config);
    follower.answered().await;
    assert!(follower.is_answered(), "that there is nobody is an answer");
    assert!(get_from(&orders_service, "/").await.is_err());
    let _following = follow(follower);
    name_server.holds(orders(60, &["127.0.53.4"]));
    until(&orders_service, &["127.0.53.4"]).await;
    assert_eq!(get_from(&orders_service, "/").await.unwrap(), "127.0.53.4");
}

/// Priorities are primaries and backups, weights are weights, and all of that may change.
#[tokio::test]
async fn a_service_is_as_its_srv_records_say() {
    let fleet = Fleet::start(&["127.0.53.11", "127.0.53.12", "127.0.53.13"]).await;
    let zone = |a: (u16, u16), b: (u16, u16), c: (u16, u16)| -> Vec<Record> {
        let record = |(priority, weight), target| {
            srv(
                "_http._tcp.orders",
                0,
                (priority, weight, fleet.port),
                target,
            )
        };
        vec![
            record(a, "a"),
            record(b, "b"),
            record(c, "c"),
            host("a", 60, "127.0.53.11"),
            host("b", 60, "127.0.53.12"),
            host("c", 60, "127.0.53.13"),
        ]
    };
    let name_server = NameServer::start(zone((10, 3), (10, 1), (20, 1))).await;
    let service = Server::new("orders.example").service("http");
    let (orders_service, mut follower) = upstream(config(&name_server, vec![service]));
    follower.answered().await;
    let _following = follow(follower);
    assert_eq!(
        hosts(&orders_service),
        ["127.0.53.11", "127.0.53.12", "127.0.53.13b"]
    );
    let shared = shares(&orders_service, 8).await;
    assert_eq!(
        shared,
        [("127.0.53.11".into(), 6), ("127.0.53.12".into(), 2)].into()
    );

    let load = Load::start(&orders_service);
    name_server.holds(zone((10, 1), (10, 1), (5, 7)));
    until(
        &orders_service,
        &["127.0.53.11b", "127.0.53.12b", "127.0.53.13"],
    )
    .await;
    assert_eq!(
        shares(&orders_service, 4).await,
        [("127.0.53.13".into(), 4)].into()
    );
    assert_eq!(peer(&orders_service, "127.0.53.13").state.weight, 7);
    load.stop().await;
}

/// Bans, failures and requests in flight belong to addresses, and so does having none.
#[tokio::test]
async fn what_is_known_of_an_address_lasts_as_long_as_its_record() {
    let (gone, held, left) = ("127.0.53.29", "127.0.53.21", "127.0.53.22");
    let fleet = Fleet::start(&[held, left, "127.0.53.23"]).await;
    let name_server = NameServer::start(orders(0, &[gone, held, left])).await;
    let line = line(&fleet).fail_timeout(Duration::from_secs(3600));
    let (orders_service, mut follower) = upstream(config(&name_server, vec![line]));
    follower.answered().await;
    let _following = follow(follower);
    for _ in 0..3 {
        asked(&orders_service).await;
    }
    assert_eq!(
        peer(&orders_service, gone).state.fails,
        1,
        "nobody listens there"
    );
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let orders_service = orders_service.clone();
            tokio::spawn(async move { get_from(&orders_service, "/held").await })
        })
        .collect();
    let in_flight = |ip| peer(&orders_service, ip).state.in_flight;
    while in_flight(held) + in_flight(left) < 4 {
        sleep(Duration::from_millis(5)).await;
    }

    name_server.holds(orders(0, &[gone, held, "127.0.53.23"]));
    until(&orders_service, &[held, "127.0.53.23", gone]).await;
    assert_eq!(in_flight(held), 2);
    let known = peer(&orders_service, gone).state;
    assert!(known.fails == 1 && known.returns_at.is_some(), "{known:?}");
    for _ in 0..6 {
        let asked = asked(&orders_service).await;
        assert_eq!(asked.len(), 1, "the banned one is left alone: {asked:?}");
    }
    fleet.release();
    let mut answers = Vec::new();
    for request in waiting {
        answers.push(request.await.unwrap().expect("it finishes where it is"));
    }
    answers.sort();
    assert_eq!(answers, [held, held, left, left]);
    assert_eq!(in_flight(held), 0);

    name_server.holds(orders(0, &[held]));
    until(&orders_service, &[held]).await;
    name_server.holds(orders(0, &[gone, held]));
    until(&orders_service, &[held, gone]).await;
    assert_eq!(peer(&orders_service, gone).state.fails, 0, "no past");
    assert_eq!(get_from(&orders_service, "/").await.unwrap(), held);
}

/// CH-1, CH-4: the ring goes by names, so that an address more or less moves no key to another name.
#[tokio::test]
async fn all_addresses_of_a_name_are_one_place_on_the_ring() {
    let fleet = Fleet::start(&["127.0.53.31", "127.0.53.32", "127.0.53.33", "127.0.53.34"]).await;
    let zone = |orders: &[&str]| -> Vec<Record> {
        let orders = orders.iter().map(|ip| host("orders", 0, ip));
        orders.chain([host("spare", 60, "127.0.53.34")]).collect()
    };
    let name_server = NameServer::start(zone(&["127.0.53.31", "127.0.53.32"])).await;
    let spare = format!("spare.example:{}", fleet.port);
    let lines = vec![line(&fleet), Server::new(&spare).resolve()];
    let mut config = config(&name_server, lines);
    config.method = Method::ConsistentHash;
    config.hash_key = HashKey::Header("key".into());
    config.semantics = Semantics::Strict;
    let (orders_service, mut follower) = upstream(config.clone());
    follower.answered().await;
    let _following = follow(follower);

    // What nginx would look up once, at start, under the same names.
    let fixed = |name: String, ips: &[&str]| {
        let server = |ip: &&str| Server::new(format!("{ip}:{}", fleet.port)).origin(&name);
        ips.iter().map(server).collect::<Vec<_>>()
    };
    let names = format!("orders.example:{}", fleet.port);
    config.servers = fixed(names, &["127.0.53.31", "127.0.53.32"]);
    config.servers.extend(fixed(spare, &["127.0.53.34"]));
    let same = Upstream::new(Group::new(config).unwrap(), Proxy::default());
    let before = to_spare(&orders_service).await;
    let count = before.iter().filter(|to| **to).count();
    assert!(
        (10..54).contains(&count),
        "{count} of 64 keys: by names, not by addresses"
    );
    assert_eq!(to_spare(&same).await, before);

    name_server.holds(zone(&["127.0.53.33"]));
    until(&orders_service, &["127.0.53.33", "127.0.53.34"]).await;
    assert_eq!(to_spare(&orders_service).await, before);
}

/// Which of 64 keys go to the spare.
async fn to_spare(upstream: &Upstream) -> Vec<bool> {
    let mut to_spare = Vec::new();
    for key in 0..64 {
        let request = http::Request::get("/").header("key", key);
        let answer = upstream.send(request.body(axum::body::Body::empty()).unwrap());
        let body = answer.await.unwrap().into_body();
        let body = http_body_util::BodyExt::collect(body)
            .await
            .unwrap()
            .to_bytes();
        to_spare.push(body == "127.0.53.34");
    }
    to_spare
}

/// Nobody follows, nobody asks; and whoever waits for an answer may stop waiting.
#[tokio::test]
async fn a_follower_works_only_while_it_is_polled() {
    let fleet = Fleet::start(&["127.0.53.41"]).await;
    let name_server = NameServer::start(orders(60, &["127.0.53.41"])).await;
    name_server.mood(Mood::AnswersAfter(Duration::from_millis(300)));
    let (orders_service, mut follower) = upstream(config(&name_server, vec![line(&fleet)]));
    let early = timeout(Duration::from_millis(20), follower.answered()).await;
    assert!(early.is_err() && !follower.is_answered());
    assert_eq!(hosts(&orders_service), [] as [&str; 0]);
    timeout(PATIENCE, follower.answered())
        .await
        .expect("the look goes on");
    assert_eq!(hosts(&orders_service), ["127.0.53.41"]);

    let mut config = GroupConfig::new("fixed");
    config.servers = vec![Server::new("127.0.0.1:1")];
    let mut nothing = Follower::new(&Group::new(config).unwrap()).unwrap();
    assert!(nothing.next().await.is_none(), "there is no name to follow");
}
