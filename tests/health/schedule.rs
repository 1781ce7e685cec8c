//! When is looked at whom: a clock that is moved, and looks without sockets.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tower_upstream::health::{Checks, Failure};
use tower_upstream::{Group, HealthCheck, Server};

use crate::world::{World, group, ms, verdicts};

/// What a look at a server comes to.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Pass,
    Fail,
    Blind,
    Hang,
    Panic,
}

#[derive(Default)]
struct Seen {
    acts: HashMap<Arc<str>, Act>,
    looks: Vec<(Duration, Arc<str>)>,
    under_way: usize,
    most: usize,
}

#[derive(Clone)]
struct Lab {
    seen: Arc<Mutex<Seen>>,
    start: Instant,
}

/// A look that is under way.
struct Looking(Arc<Mutex<Seen>>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

impl Lab {
    fn new() -> Self {
        Self {
            seen: Arc::default(),
            start: Instant::now(),
        }
    }

    fn act(&self, server: &str, act: Act) {
        self.seen.lock().unwrap().acts.insert(server.into(), act);
    }

    fn checks(&self, group: &Group, check: HealthCheck) -> Checks {
        let lab = self.clone();
        let checks = Checks::new(group, check).unwrap();
        checks.probe(move |address| {
            let lab = lab.clone();
            async move {
                let (act, _looking) = lab.begin(&address);
                match act {
                    Act::Pass => Ok(()),
                    Act::Fail => Err("unfit".into()),
                    Act::Blind => Err(Failure::Exhausted("no more files".into()).into()),
                    Act::Hang => pending().await,
                    Act::Panic => panic!("a probe that panics is the caller's"),
                }
            }
        })
    }

    fn begin(&self, address: &Arc<str>) -> (Act, Looking) {
        let mut seen = self.seen.lock().unwrap();
        let act = seen.acts.get(address).copied().unwrap_or(Act::Pass);
        seen.looks.push((self.start.elapsed(), Arc::clone(address)));
        seen.under_way += 1;
        seen.most = seen.most.max(seen.under_way);
        (act, Looking(Arc::clone(&self.seen)))
    }

    fn world(&self, servers: usize, check: HealthCheck) -> World {
        let group = group((1..=servers).map(server));
        let checks = self.checks(&group, check);
        World::run(group, checks)
    }

    /// Times of the looks at a server, in milliseconds.
    fn times(&self, server: &str) -> Vec<u128> {
        let seen = self.seen.lock().unwrap();
        let looks = seen.looks.iter().filter(|(_, at)| &**at == server);
        looks.map(|(at, _)| at.as_millis()).collect()
    }

    fn under_way(&self) -> usize {
        self.seen.lock().unwrap().under_way
    }
}

fn server(number: usize) -> String {
    format!("10.0.{}.{}:80", number / 256, number % 256)
}

fn check() -> HealthCheck {
    HealthCheck::tcp().jitter(0)
}

#[tokio::test(start_paused = true)]
async fn steady_then_quick_while_unsure() {
    let lab = Lab::new();
    let mut world = lab.world(1, check());
    sleep(ms(4_000)).await;
    lab.act(&server(1), Act::Fail);
    assert_eq!(world.change().await, format!("{} down: unfit", server(1)));
    lab.act(&server(1), Act::Pass);
    assert_eq!(world.change().await, format!("{} up", server(1)));
    let times = lab.times(&server(1));
    // The first look finds its place in the interval; then 5 s, 1 s while unsure.
    let place = times[1];
    assert_eq!(times[0], 0);
    let later: Vec<_> = times[1..].iter().map(|time| time - place).collect();
    assert_eq!(later, [0, 5_000, 6_000, 7_000, 12_000, 13_000]);
}

#[tokio::test(start_paused = true)]
async fn jitter_makes_pauses_longer() {
    let lab = Lab::new();
    let _world = lab.world(1, check().jitter(50));
    sleep(ms(200_000)).await;
    let times = lab.times(&server(1));
    let pauses: Vec<_> = times.windows(2).skip(1).map(|t| t[1] - t[0]).collect();
    assert!(pauses.len() >= 25);
    assert!(pauses.iter().all(|pause| (5_000..=7_501).contains(pause)));
    let (least, most) = (pauses.iter().min(), pauses.iter().max());
    assert!(most.unwrap() - least.unwrap() > 1_000, "{least:?} {most:?}");
}

/// The first look at one that hangs is over when its time is, not when the next would be due.
#[tokio::test(start_paused = true)]
async fn one_look_at_a_time_and_never_longer_than_it_may() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Hang);
    let mut world = lab.world(1, check().timeout(ms(3_000)));
    let change = world.change().await;
    assert_eq!(change, format!("{} down: timed out", server(1)));
    assert_eq!(lab.times(&server(1)), [0, 3_000, 6_000]);
    assert_eq!(lab.start.elapsed().as_millis(), 9_000);
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_and_no_more() {
    let lab = Lab::new();
    for number in 1..=200 {
        lab.act(&server(number), Act::Hang);
    }
    let world = lab.world(200, check().timeout(ms(2_000)).unsure(ms(1)).fall(1));
    sleep(ms(60_000)).await;
    let most = lab.seen.lock().unwrap().most;
    assert_eq!(most, 64);
    assert_eq!(world.verdicts(), [Some(false); 200], "all get their turn");
}

#[tokio::test(start_paused = true)]
async fn newcomers_are_looked_at_and_those_who_left_are_let_go() {
    let lab = Lab::new();
    lab.act(&server(2), Act::Hang);
    let mut world = lab.world(2, check().timeout(ms(60_000)));
    let members = world.group.members();
    sleep(ms(700)).await;
    assert_eq!(lab.under_way(), 1);
    members.remove(&server(2));
    members.insert(Server::new(server(3)).backup()).unwrap();
    sleep(ms(1)).await;
    assert_eq!(lab.under_way(), 0, "the look at who left is given up");
    assert_eq!(lab.times(&server(3)).len(), 1);
    assert_eq!(world.verdicts(), [Some(true), Some(true)]);

    lab.act(&server(3), Act::Fail);
    assert_eq!(world.change().await, format!("{} down: unfit", server(3)));
    // Gone and back before anybody noticed: it is what it was.
    members.remove(&server(3));
    members.insert(Server::new(server(3))).unwrap();
    sleep(ms(1)).await;
    assert_eq!(world.verdicts(), [Some(true), Some(false)]);
    // Gone for good.
    members.remove(&server(3));
    let looks = lab.times(&server(3)).len();
    sleep(ms(60_000)).await;
    assert_eq!(lab.times(&server(3)).len(), looks);
    assert_eq!(lab.times(&server(2)).len(), 1);
    assert_eq!(world.unheard(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_down_is_not_looked_at_and_a_name_twice_is_one_server() {
    let lab = Lab::new();
    let mut world = lab.world(1, check());
    let members = world.group.members();
    let twice = Server::new(server(1));
    let off = Server::new(server(2)).down();
    members.set(vec![twice.clone(), twice, off]).unwrap();
    sleep(ms(30_000)).await;
    assert_eq!(world.verdicts(), [Some(true), Some(true), None]);
    assert_eq!(lab.times(&server(2)), []);
    assert!(lab.times(&server(1)).len() <= 7);
    lab.act(&server(1), Act::Fail);
    world.change().await;
    assert_eq!(world.verdicts(), [Some(false), Some(false), None]);
    sleep(ms(30_000)).await;
    assert_eq!(world.unheard(), 0, "told once");
}

#[tokio::test(start_paused = true)]
async fn a_mandatory_look_comes_before_the_first_request() {
    let lab = Lab::new();
    lab.act(&server(2), Act::Fail);
    let mut world = lab.world(2, check().mandatory());
    assert_eq!(world.verdicts(), [Some(false), Some(false)]);
    assert_eq!(world.change().await, format!("{} up", server(1)));
    world
        .group
        .members()
        .insert(Server::new(server(3)))
        .unwrap();
    assert_eq!(world.verdicts(), [Some(true), Some(false), Some(false)]);
    assert_eq!(world.change().await, format!("{} up", server(3)));
    sleep(ms(30_000)).await;
    assert_eq!(world.unheard(), 0, "who never was well has not changed");
    // Before the first verdict, one look is enough; by now it takes two.
    lab.act(&server(2), Act::Pass);
    let looks = lab.times(&server(2)).len();
    assert_eq!(world.change().await, format!("{} up", server(2)));
    assert_eq!(lab.times(&server(2)).len(), looks + 2);
}

#[tokio::test(start_paused = true)]
async fn who_was_not_looked_at_counts_as_healthy_and_the_first_failures_count() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Fail);
    let mut world = lab.world(1, check());
    sleep(ms(1_500)).await;
    assert_eq!(world.verdicts(), [None]);
    assert_eq!(world.change().await, format!("{} down: unfit", server(1)));
    assert_eq!(lab.times(&server(1)), [0, 1_000, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_look_says_nothing() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Blind);
    let mut world = lab.world(1, check().fall(1));
    sleep(ms(30_000)).await;
    assert_eq!((world.verdicts(), world.unheard()), (vec![None], 0));
    assert!(lab.times(&server(1)).len() >= 30);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_is_a_look_that_failed() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Panic);
    let mut world = lab.world(2, check());
    let change = world.change().await;
    let expected = format!("{} down: task ", server(1));
    assert!(change.starts_with(&expected), "{change}");
    assert_eq!(world.verdicts(), [Some(false), Some(true)]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_group() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Hang);
    let World { group, running, .. } = lab.world(1, check().timeout(ms(60_000)));
    let (members, worker) = (group.members(), group.worker());
    sleep(ms(1)).await;
    assert_eq!(lab.under_way(), 1);
    drop(group);
    sleep(ms(1)).await;
    assert!(!running.is_finished(), "a worker has it still");
    drop(worker);
    running.await.unwrap();
    // What was under way is told to end, and does so in its own time.
    tokio::task::yield_now().await;
    assert_eq!(lab.under_way(), 0);
    assert!(members.is_orphaned());
    assert!(lab.start.elapsed() < ms(100));
}

/// Nobody would ever say that the server is well again.
#[tokio::test(start_paused = true)]
async fn checks_that_are_dropped_take_their_verdicts_back() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Fail);
    let mut world = lab.world(2, check().mandatory().fall(1));
    sleep(ms(3_000)).await;
    assert_eq!(world.verdicts(), [Some(false), Some(true)]);
    world.running.abort();
    assert!((&mut world.running).await.unwrap_err().is_cancelled());
    assert_eq!(verdicts(&world.group), [None, None]);
    world
        .group
        .members()
        .insert(Server::new(server(3)))
        .unwrap();
    assert_eq!(verdicts(&world.group), [None; 3]);
    let looks = lab.seen.lock().unwrap().looks.len();
    sleep(ms(60_000)).await;
    assert_eq!(lab.seen.lock().unwrap().looks.len(), looks);
}

/// A reload whose group goes on begins new checks beside the old.
#[tokio::test(start_paused = true)]
async fn later_checks_take_over() {
    let lab = Lab::new();
    lab.act(&server(1), Act::Fail);
    let mut world = lab.world(1, check());
    world.change().await;
    let next = Lab::new();
    next.act(&server(1), Act::Fail);
    let checks = next.checks(&world.group, check());
    assert_eq!(world.verdicts(), [Some(false)], "what is known stays known");
    world.running.await.unwrap();
    let looks = lab.times(&server(1)).len();
    let mut world = World::run(world.group, checks);
    sleep(ms(30_000)).await;
    assert_eq!(world.verdicts(), [Some(false)]);
    assert_eq!((world.unheard(), lab.times(&server(1)).len()), (0, looks));
    next.act(&server(1), Act::Pass);
    assert_eq!(world.change().await, format!("{} up", server(1)));
}
