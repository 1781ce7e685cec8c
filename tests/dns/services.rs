//! SRV records.

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::Record;
use tower_upstream::Server;

use crate::name_server::{Mood, NameServer, host, srv};
use crate::watching::{fails, until, updates};

const HTTP: &str = "_http._tcp.orders";

/// `server orders.example service=http resolve`
fn http() -> Server {
    Server::new("orders.example").service("http")
}

/// Hosts `a`, `b`, `c` at 10.0.0.1 to 3, good for a minute.
fn hosts() -> Vec<Record> {
    vec![
        host("a", 60, "10.0.0.1"),
        host("b", 60, "10.0.0.2"),
        host("c", 60, "10.0.0.3"),
    ]
}

/// Those hosts, and a service on them that is good for no time at all.
fn service(records: &[((u16, u16, u16), &str)]) -> Vec<Record> {
    let records = records.iter();
    let records = records.map(|(numbers, target)| srv(HTTP, 0, *numbers, target));
    records.chain(hosts()).collect()
}

#[tokio::test]
async fn services_follow_their_records() {
    tokio::join!(
        numbers(),
        moving(),
        vanishing(),
        failing(),
        backups(),
        dotted(),
    );
}

/// Priorities, weights and ports change.
async fn numbers() {
    let server = NameServer::start(service(&[((10, 5, 8001), "a"), ((20, 1, 8002), "b")])).await;
    let mut updates = updates(&server.config(), &http());
    until(&mut updates, &["10.0.0.1:8001*5", "10.0.0.2:8002b"]).await;
    server.holds(service(&[((10, 0, 8001), "a"), ((10, 7, 8002), "b")]));
    until(&mut updates, &["10.0.0.1:8001", "10.0.0.2:8002*7"]).await;
    server.holds(service(&[
        ((30, 1, 8001), "a"),
        ((20, 1, 9002), "b"),
        ((20, 1, 9003), "c"),
    ]));
    until(
        &mut updates,
        &["10.0.0.1:8001b", "10.0.0.2:9002", "10.0.0.3:9003"],
    )
    .await;
}

/// The targets' own addresses change, of both families.
async fn moving() {
    let held = |ips: &[&str]| {
        let hosts = ips.iter().map(|ip| host("d", 0, ip));
        let records = hosts.chain([srv(HTTP, 60, (1, 1, 80), "d")]);
        records.collect::<Vec<_>>()
    };
    let server = NameServer::start(held(&["10.0.0.4"])).await;
    let mut updates = updates(&server.config(), &http());
    until(&mut updates, &["10.0.0.4:80"]).await;
    server.holds(held(&["10.0.0.5", "fd00::5"]));
    until(&mut updates, &["10.0.0.5:80", "[fd00::5]:80"]).await;
}

/// A target that does not exist, a service that says it is not here, and none at all.
async fn vanishing() {
    let both = [((10, 1, 80), "a"), ((20, 1, 80), "b")];
    let server = NameServer::start(service(&both)).await;
    let mut config = server.config();
    config.valid = Some(std::time::Duration::from_millis(1));
    let mut updates = updates(&config, &http());
    until(&mut updates, &["10.0.0.1:80", "10.0.0.2:80b"]).await;
    server.holds(service(&[((10, 1, 80), "gone"), ((20, 1, 80), "b")]));
    until(&mut updates, &["10.0.0.2:80"]).await;
    assert_eq!(
        updates.watch().troubles(),
        [
            "gone.example could not be resolved (3: Host not found) while resolving service http \
             of orders.example"
        ]
    );
    server.holds(service(&[((0, 0, 0), ".")]));
    until(&mut updates, &[]).await;
    server.holds(service(&both));
    until(&mut updates, &["10.0.0.1:80", "10.0.0.2:80b"]).await;
    server.holds(hosts());
    until(&mut updates, &[]).await;
    assert_eq!(
        updates.watch().troubles(),
        ["service http of orders.example could not be resolved (3: Host not found)"]
    );
}

/// Only one target cannot be looked up: it stays where it was, and the others move.
async fn failing() {
    let server = NameServer::start(service(&[((1, 1, 80), "a"), ((1, 1, 80), "b")])).await;
    let mut updates = updates(&server.config(), &http());
    until(&mut updates, &["10.0.0.1:80", "10.0.0.2:80"]).await;
    server.mood(Mood::RefusesOne("a.", ResponseCode::ServFail));
    fails(
        &mut updates,
        "a.example could not be resolved (2: Server failure)",
    )
    .await;
    server.holds(service(&[((1, 1, 80), "a"), ((1, 1, 80), "c")]));
    until(&mut updates, &["10.0.0.1:80", "10.0.0.3:80"]).await;
    server.mood(Mood::RefusesOne("_http.", ResponseCode::Refused));
    fails(
        &mut updates,
        "service http of orders.example could not be resolved (5:",
    )
    .await;
}

async fn backups() {
    let records = service(&[((10, 4, 80), "a"), ((20, 1, 80), "b")]);
    let server = NameServer::start(records).await;
    let backup = http().backup();
    until(&mut updates(&server.config(), &backup), &["10.0.0.1:80*4b"]).await;
    let heavy = http().weight(2);
    let heavy = &mut updates(&server.config(), &heavy);
    until(heavy, &["10.0.0.1:80*2", "10.0.0.2:80*2b"]).await;
}

/// `service=blue.pool` asks for `blue.pool.orders.example`.
async fn dotted() {
    let mut records = hosts();
    records.push(srv("blue.pool.orders", 60, (1, 1, 81), "c"));
    let server = NameServer::start(records).await;
    let line = Server::new("orders.example").service("blue.pool");
    until(&mut updates(&server.config(), &line), &["10.0.0.3:81"]).await;
}
