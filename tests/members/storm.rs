//! A thousand changes under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{JoinHandle, JoinSet};
use tower_upstream::{Builder, Members, Semantics, Server, Upstream};

use crate::fleet::{Fleet, eventually, fetch, is_whole, post};

/// Servers that answer, and below them addresses where nobody listens.
const HEALTHY: usize = 10;
const DEAD: usize = 4;
const CHANGES: usize = 1000;
const CLIENTS: usize = 8;

/// Who belongs now, changed at random. Somebody healthy is always there for everybody.
struct Lot {
    random: fastrand::Rng,
    healthy: Vec<Server>,
    dead: Vec<Server>,
    inside: BTreeSet<usize>,
    drained: BTreeSet<usize>,
}

impl Lot {
    fn server(&self, number: usize) -> Server {
        let mut all = self.healthy.iter().chain(&self.dead);
        all.nth(number).expect("a number").clone()
    }

    fn all(&self) -> usize {
        self.healthy.len() + self.dead.len()
    }

    fn is_safe(inside: &BTreeSet<usize>, drained: &BTreeSet<usize>) -> bool {
        inside.difference(drained).any(|number| *number < HEALTHY)
    }

    /// One change, of any kind.
    fn change(&mut self, members: &Members) {
        let number = self.random.usize(..self.all());
        let (mut inside, mut drained) = (self.inside.clone(), self.drained.clone());
        let kind = self.random.u8(..4);
        match kind {
            0 => {
                inside = (0..self.all()).filter(|_| self.random.bool()).collect();
                drained.clear();
            }
            1 => {
                inside.insert(number);
                drained.remove(&number);
            }
            2 => {
                inside.remove(&number);
                drained.remove(&number);
            }
            _ if !drained.remove(&number) && inside.contains(&number) => {
                drained.insert(number);
            }
            _ => {}
        }
        if !Self::is_safe(&inside, &drained) {
            return self.change(members);
        }
        let server = self.server(number);
        match kind {
            0 => members
                .set(inside.iter().map(|number| self.server(*number)).collect())
                .unwrap(),
            1 => members.insert(server).unwrap(),
            2 => assert_eq!(
                members.remove(&server.address),
                self.inside.contains(&number)
            ),
            _ => {
                members.drain(&server.address, drained.contains(&number));
            }
        }
        (self.inside, self.drained) = (inside, drained);
    }
}

/// Clients of all kinds, none of whom may see a failure.
struct Clients {
    going: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Clients {
    fn start(upstream: &Upstream) -> Self {
        let mut clients = Self {
            going: Arc::new(AtomicBool::new(true)),
            done: Arc::default(),
            tasks: JoinSet::new(),
        };
        for client in 0..CLIENTS {
            let (going, done) = (Arc::clone(&clients.going), Arc::clone(&clients.done));
            let upstream = upstream.clone();
            clients.tasks.spawn(async move {
                while going.load(Relaxed) {
                    match client % 4 {
                        0 => assert!(is_whole(
                            &fetch(&upstream, "/stream").await.expect("it streams")
                        )),
                        1 => drop(
                            post(&upstream, Bytes::from(vec![b'x'; 3000]))
                                .await
                                .expect("it is posted"),
                        ),
                        _ => drop(fetch(&upstream, "/").await.expect("it is answered")),
                    }
                    done.fetch_add(1, Relaxed);
                }
            });
        }
        clients
    }

    async fn stop(mut self) -> usize {
        self.going.store(false, Relaxed);
        while let Some(client) = self.tasks.join_next().await {
            client.expect("no client saw a failure");
        }
        self.done.load(Relaxed)
    }
}

/// Connections to and from `127.0.{net}.0/24` that somebody holds, by the kernel's own list.
fn sockets(net: u8) -> usize {
    let net = format!("{net:02X}007F:");
    let list = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let held = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ours = fields[1].contains(&net) || fields[2].contains(&net);
        // Neither listening nor without a file.
        ours && fields[3] != "0A" && fields[9] != "0"
    };
    list.lines().skip(1).filter(held).count()
}

async fn storm(semantics: Semantics, dead: usize, net: u8) {
    let fleet = Fleet::start(net, HEALTHY).await;
    let port = fleet.address(0).split_once(':').unwrap().1.to_owned();
    let no_one = (1..=dead).map(|n| Server::new(format!("127.0.{}.{n}:{port}", net + 100)));
    let mut lot = Lot {
        random: fastrand::Rng::with_seed(11),
        healthy: (0..HEALTHY).map(|number| fleet.server(number)).collect(),
        dead: no_one.collect(),
        inside: (0..HEALTHY).collect(),
        drained: BTreeSet::new(),
    };
    let builder = Upstream::builder().keepalive(64).semantics(semantics);
    let builder = lot.healthy.iter().cloned().fold(builder, Builder::server);
    let upstream = builder.build().unwrap();
    let members = upstream.group().members();
    let clients = Clients::start(&upstream);
    let changing: JoinHandle<Lot> = tokio::spawn({
        let members = members.clone();
        async move {
            for _ in 0..CHANGES {
                lot.change(&members);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            lot
        }
    });
    let lot = changing.await.unwrap();
    let seen: BTreeSet<String> = members.servers().into_iter().map(|s| s.address).collect();
    let expected = lot.inside.iter().map(|number| lot.server(*number).address);
    assert_eq!(seen, expected.collect());
    members
        .set(vec![fleet.server(0), fleet.server(1), fleet.server(2)])
        .unwrap();
    let done = clients.stop().await;
    assert!(done > CHANGES, "{done} requests");

    let left = upstream.group().snapshot();
    assert_eq!(left.len(), 3);
    assert!(
        left.iter().all(|peer| peer.state.in_flight == 0),
        "{left:?}"
    );
    for number in 3..HEALTHY {
        fleet.has_open(number, 0).await;
    }
    let idle = upstream.group().idle_connections();
    let open = || (0..3).map(|number| fleet.open(number)).sum::<usize>();
    eventually(|| open() == idle, || (open(), idle)).await;
    assert_eq!(sockets(net), 2 * idle, "both ends of each");
    assert!(!members.is_orphaned());
    drop(upstream);
    assert!(members.is_orphaned());
    members
        .set(vec![fleet.server(5)])
        .expect("nobody is left to care");
    eventually(|| sockets(net) == 0, || sockets(net)).await;
}

/// A fixed list would not fail while one of its servers is healthy, whoever else is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_cost_no_request_in_strict() {
    storm(Semantics::Strict, DEAD, 62).await;
}

/// NGINX has no second server for a request under a change (DN-3), and needs none where all are well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_cost_no_request_among_healthy_servers_in_nginx() {
    storm(Semantics::Nginx, 0, 63).await;
}
