//! Limits that learn, told by the layer what became of calls.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Empty;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_upstream::classify::Condition;
use tower_upstream::limit::bulkhead::{BulkheadLayer, Gradient2, Limit, Vegas};
use tower_upstream::timeout::TimeoutLayer;

use crate::millis;
use crate::world::{Ask, End, Plain, World, ask};

async fn sequential(world: &Plain, calls: usize) -> usize {
    for _ in 0..calls {
        world.ask(ask("x", 5)).await.unwrap();
    }
    world.seen().limit
}

/// Sequential calls raised a limit that grows on success alone from 10 to 510.
#[tokio::test(start_paused = true)]
async fn one_call_at_a_time_raises_no_limit() {
    for limit in [
        Limit::Vegas(Vegas::default()),
        Limit::Gradient2(Gradient2::default()),
    ] {
        let world = Plain::new(BulkheadLayer::errors(limit));
        assert_eq!(sequential(&world, 5000).await, 20);
    }
}

/// As many at once as there may be, for so many rounds.
async fn full<K, P>(world: &World<K, P>, rounds: usize, what: Ask)
where
    K: tower_upstream::limit::Keys<Ask> + Send + Sync + 'static,
    P: tower_upstream::limit::bulkhead::Classes<Ask> + Send + Sync + 'static,
{
    for _ in 0..rounds {
        let mut calls = JoinSet::new();
        for _ in 0..world.seen().limit {
            calls.spawn(world.ask(what));
        }
        while calls.join_next().await.is_some() {}
        sleep(millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_used_grows_while_latency_does_not() {
    for limit in [
        Limit::Vegas(Vegas::default()),
        Limit::Gradient2(Gradient2::default()),
    ] {
        let world = Plain::new(BulkheadLayer::errors(limit));
        full(&world, 300, ask("x", 50)).await;
        let grown = world.seen().limit;
        assert!(grown > 25, "{limit:?}: {grown}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_quick_say_nothing() {
    let world = Plain::new(BulkheadLayer::errors(Vegas::default()));
    full(&world, 20, ask("x", 50)).await;
    let before = world.seen().limit;
    let quick = Ask {
        ends: End::Badly,
        ..ask("x", 1)
    };
    full(&world, 200, quick).await;
    assert_eq!(world.seen().limit, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_classified_as_too_much_brings_the_limit_down() {
    fn timeouts(result: &Result<&'static str, &'static str>) -> Condition {
        match result {
            Ok(_) => Condition::Served,
            Err(_) => Condition::Timeout,
        }
    }
    let world = World::new(BulkheadLayer::errors(Gradient2::default()));
    full(&world, 60, ask("x", 50)).await;
    assert!(world.seen().limit > 20);

    let vegas = BulkheadLayer::errors(Vegas::default()).classify(timeouts);
    let layer = vegas.build().unwrap();
    let service = tower::Layer::layer(&layer, crate::world::Backend::default());
    let slow = Ask {
        ends: End::Badly,
        ..ask("x", 50)
    };
    for _ in 0..100 {
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            calls.spawn(tower::ServiceExt::oneshot(service.clone(), slow));
        }
        while calls.join_next().await.is_some() {}
    }
    assert_eq!(layer.handle().snapshot().limit, 1);
}

/// Over gRPC a refusal has a good HTTP status; a limit that took it for an answer would grow by it.
#[tokio::test(start_paused = true)]
async fn a_status_of_grpc_is_heard() {
    for (status, takes, limit) in [(None, 500, 1), (Some("14"), 1, 1), (Some("3"), 1, 20)] {
        let layer = BulkheadLayer::http(Vegas::default()).build().unwrap();
        let handle = layer.handle();
        let service = tower::service_fn(move |_: Request<()>| async move {
            sleep(millis(takes)).await;
            let mut response = Response::new(Empty::<Bytes>::new());
            if let Some(status) = status {
                let status = HeaderValue::from_static(status);
                response.headers_mut().insert("grpc-status", status);
            }
            Ok::<_, Infallible>(response)
        });
        // Who takes too long is refused by a layer behind.
        let timeout = TimeoutLayer::http().request_timeout(millis(50));
        let service = layer.layer(timeout.layer(service));
        for _ in 0..3000 {
            let call = Request::post("/").header("content-type", "application/grpc");
            let call = service.clone().oneshot(call.body(()).unwrap()).await;
            drop(call.unwrap().into_body());
        }
        assert_eq!(handle.snapshot().limit, limit, "{status:?}");
    }
}
