//! Checks beside everything else that is known of a group.

use std::time::Duration;

use tower_upstream::breaker::State;
use tower_upstream::health::Checks;
use tower_upstream::{Group, GroupConfig, HealthCheck, Proxy, Server, Upstream};

use crate::server::{Act, TestServer};
use crate::world::{World, quick, status, until, verdicts};

fn check() -> HealthCheck {
    quick(HealthCheck::http("/healthz"))
}

/// One is banned for refusing requests although its health port is fine, the other is well with
/// requests and not with checks.
#[tokio::test]
async fn passive_and_active_verdicts_are_seen_apart() {
    let mut banned = TestServer::new(Act::Status(200)).await;
    let unhealthy = TestServer::new(Act::Status(500)).await;
    let (banned_name, unhealthy_name) = (banned.name(), unhealthy.name());
    let healthy_port = TestServer::new(Act::Status(200)).await;
    let group = |name: &str| {
        let mut config = GroupConfig::new("orders");
        let server = Server::new(name).fail_timeout(Duration::from_secs(600));
        // A lone server is never banned (ST-1).
        config.servers = vec![server, Server::new("127.0.0.1:1").down()];
        Group::new(config).unwrap()
    };

    let of_banned = group(&banned_name);
    let elsewhere = check().port(healthy_port.address.port());
    let checks = Checks::new(&of_banned, elsewhere).unwrap();
    let world = World::run(of_banned.clone(), checks);
    banned.close().await;
    assert_eq!(status(&world.upstream()).await, 502);
    until(|| of_banned.snapshot()[0].state.healthy.is_some()).await;
    let state = of_banned.snapshot()[0].state.clone();
    assert_eq!((state.healthy, state.state), (Some(true), State::Open));
    assert_eq!(status(&world.upstream()).await, 502, "banned is banned");

    let of_unhealthy = group(&unhealthy_name);
    let checks = Checks::new(&of_unhealthy, check()).unwrap();
    let mut world = World::run(of_unhealthy.clone(), checks);
    assert_eq!(
        world.change().await,
        format!("{unhealthy_name} down: status 500")
    );
    let state = of_unhealthy.snapshot()[0].state.clone();
    assert_eq!((state.healthy, state.state), (Some(false), State::Closed));
    assert_eq!(of_unhealthy.snapshot()[1].state.healthy, None, "it is down");
}

#[tokio::test]
async fn every_worker_hears_of_it() {
    let server = TestServer::new(Act::Status(200)).await;
    let mut world = World::checked(&[&server.name()], check().mandatory());
    let early = world.group.worker();
    assert_eq!(verdicts(&early), [Some(false)]);
    world.change().await;
    let late = world.group.worker();
    for group in [&early, &late] {
        assert_eq!(verdicts(group), [Some(true)]);
        let orders = Upstream::new(group.clone(), Proxy::default());
        assert_eq!(status(&orders).await, 200);
    }
}

#[tokio::test]
async fn the_builder_says_so_and_the_group_knows() {
    let server = TestServer::new(Act::Status(200)).await;
    let builder = Upstream::builder().server(Server::new(server.name()));
    let unchecked = builder.clone().build().unwrap();
    assert!(Checks::of(unchecked.group()).is_none());
    let orders = builder.health_check(check().mandatory()).build().unwrap();
    assert_eq!(status(&orders).await, 200, "nobody checks yet");
    let checks = Checks::of(orders.group()).unwrap();
    assert_eq!(status(&orders).await, 502, "from now on somebody does");
    let mut world = World::run(orders.group().clone(), checks);
    assert_eq!(world.change().await, format!("{} up", server.name()));
    assert_eq!(status(&orders).await, 200);
}

#[test]
fn what_makes_no_sense_is_refused_wherever_it_is_said() {
    let wrong = HealthCheck::tcp().rise(0);
    let builder = Upstream::builder().server(Server::new("127.0.0.1:1"));
    let refused = builder.clone().health_check(wrong.clone()).build();
    let expected = ["active_check: rise is 0"];
    assert_eq!(refused.unwrap_err().problems(), expected);
    let orders = builder.build().unwrap();
    let refused = Checks::new(orders.group(), wrong);
    assert_eq!(refused.unwrap_err().problems(), expected);
}

#[test]
fn a_group_in_the_place_of_another_knows_what_checks_said_there() {
    let mut config = GroupConfig::new("orders");
    config.servers = vec![Server::new("127.0.0.1:1"), Server::new("127.0.0.1:2")];
    config.health_check = Some(HealthCheck::tcp());
    let before = Group::new(config.clone()).unwrap();
    before.members().set_health("127.0.0.1:1", false);
    before.members().set_health("127.0.0.1:2", true);
    config.servers[1] = Server::new("127.0.0.1:3");
    let after = before.reconfigured(config.clone()).unwrap().apply();
    assert_eq!(verdicts(&after), [Some(false), None]);
    let _checks = Checks::of(&after);
    assert_eq!(verdicts(&after.worker()), [Some(false), None]);
    // Nobody would ever take it back.
    config.health_check = None;
    let unchecked = before.reconfigured(config).unwrap().apply();
    assert_eq!(verdicts(&unchecked), [None, None]);
}
