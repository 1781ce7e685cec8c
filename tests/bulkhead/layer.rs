//! Places: taken, given back, shared, and never held by who does not call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Wake, Waker};

use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_upstream::answer::Reason;
use tower_upstream::limit::Key;
use tower_upstream::limit::bulkhead::{BulkheadLayer, Class, Limit, Queue, Shares, Vegas, Zone};

use crate::millis;
use crate::world::{Ask, Backend, End, Plain, World, ask, reason};

#[tokio::test(start_paused = true)]
async fn more_than_the_limit_are_refused_at_once() {
    let world = Plain::new(BulkheadLayer::errors(2));
    let one = world.start(ask("one", 10)).await;
    let two = world.start(ask("two", 20)).await;
    assert_eq!(reason(world.ask(ask("three", 0)).await), Reason::Full);
    assert_eq!(world.calls(), 2, "the service has not seen it");
    assert_eq!(one.await.unwrap(), Ok("one"));
    assert_eq!(world.ask(ask("four", 0)).await, Ok("four"));
    assert_eq!(two.await.unwrap(), Ok("two"));
    let seen = world.seen();
    assert_eq!((seen.limit, seen.in_flight, seen.waiting), (2, 0, 0));
    assert_eq!((seen.admitted, seen.rejected), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn errors_panics_and_dropped_calls_give_their_place_back() {
    let world = Plain::new(BulkheadLayer::errors(1));
    for ends in [End::Badly, End::InPanic] {
        let call = world
            .start(Ask {
                ends,
                ..ask("x", 5)
            })
            .await;
        assert_eq!(reason(world.ask(ask("y", 0)).await), Reason::Full);
        assert!(!matches!(call.await, Ok(Ok(_))));
        assert_eq!(world.now(), (0, 0));
    }
    let call = world.start(ask("x", 1_000_000)).await;
    call.abort();
    call.await.unwrap_err();
    assert_eq!(world.ask(ask("y", 0)).await, Ok("y"));
}

/// A layer in front keeps what is ready: the bulkhead must not call a fresh clone of what is behind it.
/// The backend panics if it is called without having been asked, and so would a limit of Tower's.
#[tokio::test(start_paused = true)]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    let layer = BulkheadLayer::errors(1)
        .queue(Queue::default())
        .build()
        .unwrap();
    let service = ServiceBuilder::new()
        .layer(layer)
        .concurrency_limit(1)
        .service(Backend::default());
    let calls: Vec<_> = (0..5)
        .map(|_| tokio::spawn(service.clone().oneshot(ask("x", 10))))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok("x"));
    }
}

/// Who waits here, or is refused, holds no place of the limit behind.
#[tokio::test(start_paused = true)]
async fn readiness_that_is_not_used_goes_back() {
    let layer = BulkheadLayer::errors(1)
        .queue(Queue::default())
        .build()
        .unwrap();
    let behind = tower::limit::ConcurrencyLimitLayer::new(2).layer(Backend::default());
    let service = layer.layer(behind.clone());
    let first = tokio::spawn(service.clone().oneshot(ask("first", 10)));
    tokio::task::yield_now().await;
    let mut waiting = service.clone();
    waiting.ready().await.unwrap();
    let second = waiting.call(ask("second", 0));
    // The other place of the two is free for others.
    let mut other = behind.clone();
    let other = tokio::time::timeout(millis(1), other.ready());
    assert!(other.await.is_ok(), "the one who waits has it");
    assert_eq!(second.await, Ok("second"));
    first.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_layer_is_one_however_often_it_is_applied_or_cloned() {
    let layer = BulkheadLayer::errors(2).build().unwrap();
    let services = [
        layer.layer(Backend::default()),
        layer.layer(Backend::default()),
        layer.clone().layer(Backend::default()),
    ];
    let mut calls = Vec::new();
    for service in &services[..2] {
        calls.push(tokio::spawn(service.clone().oneshot(ask("x", 10))));
    }
    tokio::task::yield_now().await;
    for service in &services {
        let refused = service.clone().oneshot(ask("x", 0)).await;
        assert_eq!(reason(refused), Reason::Full);
    }
    assert_eq!(layer.handle().snapshot().in_flight, 2);
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

fn by_name(ask: &Ask) -> Key<'_> {
    Key::from(ask.who)
}

/// W19, without NGINX around it: two at once, the third is refused and does not reach the service.
#[tokio::test(start_paused = true)]
async fn keys_are_limited_apart() {
    let zone = Zone::new();
    let world = World::new(BulkheadLayer::errors(10).per_key_in(&zone, 2, by_name));
    let calls = [
        world.start(ask("a", 10)).await,
        world.start(ask("a", 20)).await,
        world.start(ask("b", 20)).await,
        world.start(ask("", 20)).await,
        world.start(ask("", 20)).await,
        world.start(ask("", 20)).await,
    ];
    assert_eq!(world.calls(), 6, "without a key there is no such limit");
    assert_eq!(reason(world.ask(ask("a", 0)).await), Reason::Full);
    assert_eq!(world.calls(), 6);
    assert_eq!((zone.present(&Key::from("a")), zone.keys()), (2, 2));
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(zone.keys(), 0);
    assert_eq!(world.ask(ask("a", 0)).await, Ok("a"));
    assert_eq!(world.seen().rejected_by_key, 1);
}

/// What the limit on all refuses is not left counted under its key.
#[tokio::test(start_paused = true)]
async fn a_refusal_gives_the_key_back() {
    let zone = Zone::new();
    let world = World::new(BulkheadLayer::errors(1).per_key_in(&zone, 5, by_name));
    let call = world.start(ask("a", 10)).await;
    assert_eq!(reason(world.ask(ask("b", 0)).await), Reason::Full);
    assert_eq!(zone.present(&Key::from("b")), 0);
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_least_important_are_shed_first() {
    let class = |ask: &Ask| ask.who.parse::<Class>().unwrap();
    let world = World::new(BulkheadLayer::errors(10).classes_by(class));
    let mut calls = Vec::new();
    for (who, places) in [
        ("sheddable", 5),
        ("sheddable-plus", 3),
        ("critical", 1),
        ("critical-plus", 1),
    ] {
        for _ in 0..places {
            calls.push(world.start(ask(who, 10)).await);
        }
        let expected = match who {
            "critical-plus" => Reason::Full,
            _ => Reason::Shed,
        };
        assert_eq!(reason(world.ask(ask(who, 0)).await), expected, "{who}");
    }
    assert_eq!((world.seen().shed, world.seen().rejected), (3, 1));
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn all_bad_numbers_are_named_at_build() {
    let queue = Queue {
        length: 0,
        hurry: millis(200),
        ..Queue::default()
    };
    let shares = Shares {
        critical: 101,
        ..Shares::default()
    };
    let bad = BulkheadLayer::errors(Vegas {
        min: 0,
        initial: 7,
        max: 5,
    })
    .queue(queue)
    .per_key_in(&Zone::with_bytes(4096), 0, by_name)
    .shares(shares)
    .status(200)
    .build();
    let said = bad.unwrap_err().to_string();
    for problem in [
        "vegas min=0: at least 1",
        "vegas initial=7: from min=0 to max=5",
        "queue length=0: at least 1, or no queue",
        "hurry=200ms is more than patience=100ms",
        "limit 0 per key: at least 1",
        "limit per key: zone is too small",
        "share of critical=101: 1 to 100",
        "critical has a larger share than critical-plus",
        "bulkhead status 200: from 400 to 599",
    ] {
        assert!(said.contains(problem), "{problem} in {said}");
    }
    assert_eq!(Limit::Fixed(0).problems(), ["limit 0: at least 1"]);
}

/// Waiting for a place is waiting to be woken, not asking over and over.
#[tokio::test(start_paused = true)]
async fn who_waits_is_polled_only_when_something_happens() {
    #[derive(Default)]
    struct Wakes(AtomicU64);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    let world = Plain::new(BulkheadLayer::errors(1).queue(Queue::default()));
    let first = world.start(ask("first", 50)).await;
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    let mut second = Box::pin(world.ask(ask("second", 0)));
    for _ in 0..100 {
        assert!(second.as_mut().poll(&mut cx).is_pending());
    }
    tokio::time::advance(millis(49)).await;
    assert_eq!(wakes.0.load(Relaxed), 0);
    first.await.unwrap().unwrap();
    assert_eq!(wakes.0.load(Relaxed), 1);
    assert_eq!(world.now(), (1, 0), "it has the place already");
    assert_eq!(second.await, Ok("second"));
}
