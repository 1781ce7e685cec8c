//! Callers who go away at any moment: nothing is lost with them, nobody sleeps on beside a free place.

use std::future::Future;
use std::task::{Context, Waker};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_upstream::limit::bulkhead::{BulkheadLayer, Class, Limit, Queue, Vegas};

use crate::millis;
use crate::world::{Ask, Plain, World, ask};

#[tokio::test(start_paused = true)]
async fn a_turn_that_has_come_passes_to_the_next() {
    let world = Plain::new(BulkheadLayer::errors(1).queue(Queue::default()));
    let first = world.start(ask("first", 10)).await;
    let mut cx = Context::from_waker(Waker::noop());
    let mut called = Box::pin(world.ask(ask("called", 0)));
    assert!(called.as_mut().poll(&mut cx).is_pending());
    let next = world.start(ask("next", 0)).await;
    first.await.unwrap().unwrap();
    // Its turn, and it does not know.
    assert_eq!(world.now(), (1, 1));
    drop(called);
    assert_eq!(next.await.unwrap(), Ok("next"));
    assert_eq!(world.now(), (0, 0));
    assert_eq!(world.seen().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn who_was_never_polled_passes_its_turn_on_too() {
    use tower::{Service, ServiceExt};
    let world = Plain::new(BulkheadLayer::errors(1).queue(Queue::default()));
    let first = world.start(ask("first", 10)).await;
    let mut service = world.service.clone();
    let unpolled = service.ready().await.unwrap().call(ask("unpolled", 0));
    let next = world.start(ask("next", 0)).await;
    first.await.unwrap().unwrap();
    assert_eq!(world.now(), (1, 1));
    drop(unpolled);
    assert_eq!(next.await.unwrap(), Ok("next"));
}

/// Thousands of callers with little patience, under every kind of limit, in many orders.
#[tokio::test(start_paused = true)]
async fn a_thousand_random_drops_lose_no_place_and_no_wake_up() {
    const NAMES: [&str; 4] = ["sheddable", "sheddable-plus", "critical", "critical-plus"];
    let vegas = Limit::from(Vegas {
        initial: 3,
        max: 6,
        ..Vegas::default()
    });
    for (seed, limit) in (0..12).zip(
        [Limit::Fixed(1), Limit::Fixed(3), vegas]
            .into_iter()
            .cycle(),
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let class = |ask: &Ask| ask.who.parse::<Class>().unwrap();
        let queue = Queue {
            length: 8,
            ..Queue::default()
        };
        let world = World::new(BulkheadLayer::errors(limit).queue(queue).classes_by(class));
        let mut calls = JoinSet::new();
        for _ in 0..1000 {
            let (patience, takes) = (random.u64(0..40), random.u64(0..20));
            let call = world.ask(ask(random.choice(NAMES).unwrap(), takes));
            calls.spawn(timeout(millis(patience), call));
            if random.bool() {
                sleep(millis(random.u64(0..6))).await;
            }
            assert!(world.seen().in_flight <= 6);
        }
        let (mut answered, mut refused, mut dropped) = (0, 0, 0);
        while let Some(call) = calls.join_next().await {
            match call.unwrap() {
                Ok(Ok(_)) => answered += 1,
                Ok(Err(_)) => refused += 1,
                Err(_) => dropped += 1,
            }
        }
        assert!(
            answered > 50 && refused > 50 && dropped > 50,
            "{seed}: {answered} {refused} {dropped}"
        );
        let seen = world.seen();
        assert_eq!((seen.in_flight, seen.waiting), (0, 0), "{seed}: {seen:?}");
        let ends = seen.admitted + seen.rejected + seen.shed + seen.expired + seen.cancelled;
        assert_eq!(ends, 1000, "{seed}: {seen:?}");
        assert_eq!(seen.admitted, world.calls(), "{seed}");
        assert!(world.most() <= 6);
        assert_eq!(world.ask(ask("sheddable", 0)).await, Ok("sheddable"));
    }
}

/// The same from threads, where releases and waits meet in earnest.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_release_and_wait_at_once_lose_no_wake_up() {
    let queue = Queue {
        length: 10_000,
        patience: millis(60_000),
        hurry: millis(60_000),
    };
    let world = Plain::new(BulkheadLayer::errors(3).queue(queue));
    let mut calls = JoinSet::new();
    for number in 0..2000 {
        let call = world.ask(ask("x", 0));
        calls.spawn(async move {
            match number % 5 {
                0 => timeout(millis(1), call).await.is_ok(),
                _ => call.await.is_ok(),
            }
        });
    }
    let mut answered = 0;
    while let Some(call) = timeout(millis(30_000), calls.join_next())
        .await
        .expect("nobody sleeps on")
    {
        answered += usize::from(call.unwrap());
    }
    assert!(answered >= 1600, "whoever stayed was served: {answered}");
    assert_eq!(world.now(), (0, 0));
    assert!(world.most() <= 3);
}
