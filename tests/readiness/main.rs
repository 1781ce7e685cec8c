//! Tower's traps, for every layer at once: readiness asked for to excess, by clones, by callers who do
//! not call; waiting that is no polling; calls dropped at any await.

mod by_hand;
mod checks;
#[path = "../support/probe.rs"]
mod probe;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tower::{Layer, ServiceBuilder};
use tower_upstream::NextUpstream;
use tower_upstream::balance::{Member, Roster, Setup};
use tower_upstream::breaker::BreakerLayer;
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::limit::bulkhead::{BulkheadLayer, Handle, Queue, Vegas};
use tower_upstream::limit::rate::{RateLimit, RateLimitLayer};
use tower_upstream::retry::{Backoff, RetryLayer, Terms};
use tower_upstream::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_upstream::upstream::{Endpoint, Engine, Plain};

use checks::{Layered, dropped_at_any_await_everything_comes_back, put_through};
use probe::Probe;

const MINUTE: Duration = Duration::from_secs(60);

/// What keeps no account of who is in.
fn plain<S>(service: S) -> Layered<S> {
    Layered {
        service,
        held: Box::new(|| 0),
    }
}

fn counted<S>(service: S, handle: Handle) -> Layered<S> {
    let held = move || {
        let seen = handle.snapshot();
        seen.in_flight + seen.waiting
    };
    Layered {
        service,
        held: Box::new(held),
    }
}

/// Twenty wait for up to two seconds, so that nobody is refused here.
fn rate() -> RateLimit {
    RateLimit::per_second(10).burst(20)
}

fn queue() -> Queue {
    let patience = MINUTE;
    Queue {
        patience,
        hurry: patience,
        ..Queue::default()
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limit() {
    put_through(|probe| {
        let layer = RateLimitLayer::http(rate()).build().unwrap();
        plain(layer.layer(probe))
    })
    .await;
    put_through(|probe| {
        let limits = RateLimitLayer::errors(rate()).and(RateLimit::per_second(100).burst(200));
        plain(limits.build().unwrap().layer(probe))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bulkhead() {
    put_through(|probe| {
        let layer = BulkheadLayer::http(1).queue(queue()).build().unwrap();
        counted(layer.layer(probe), layer.handle())
    })
    .await;
    put_through(|probe| {
        let layer = BulkheadLayer::errors(2).queue(queue()).build().unwrap();
        counted(layer.layer(probe), layer.handle())
    })
    .await;
    put_through(|probe| {
        let layer = BulkheadLayer::errors(Vegas::default());
        let layer = layer.queue(queue()).build().unwrap();
        counted(layer.layer(probe), layer.handle())
    })
    .await;
    put_through(|probe| {
        let layer = BulkheadLayer::http(1).dry_run(true).build().unwrap();
        counted(layer.layer(probe), layer.handle())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn timeout() {
    put_through(|probe| plain(TimeoutLayer::new().request_timeout(MINUTE).layer(probe))).await;
    put_through(|probe| {
        let layer = TimeoutLayer::http().request_timeout(MINUTE);
        plain(layer.idle_timeout(MINUTE).layer(probe))
    })
    .await;
    put_through(|probe| plain(RequestBodyTimeoutLayer::new(MINUTE).layer(probe))).await;
}

/// Time that is over while a call waits, runs, or is not begun.
#[tokio::test(start_paused = true)]
async fn a_timeout_that_strikes() {
    for tenths in 0..8 {
        let limit = Duration::from_millis(100) * tenths;
        dropped_at_any_await_everything_comes_back(&|probe| {
            let bulkhead = BulkheadLayer::http(1).queue(queue()).build().unwrap();
            let handle = bulkhead.handle();
            let layers = ServiceBuilder::new()
                .layer(TimeoutLayer::http().request_timeout(limit))
                .layer(bulkhead);
            counted(layers.service(probe), handle)
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn breaker() {
    put_through(|probe| {
        let layer = BreakerLayer::new();
        let handle = layer.handle();
        Layered {
            service: layer.layer(probe),
            held: Box::new(move || handle.snapshot().in_flight as usize),
        }
    })
    .await;
    put_through(|probe| {
        let layer = BreakerLayer::http().build().unwrap();
        let handle = layer.handle();
        Layered {
            service: layer.layer(probe),
            held: Box::new(move || handle.snapshot().in_flight as usize),
        }
    })
    .await;
}

fn condition(result: &Result<Response<String>, Infallible>) -> Condition {
    match result {
        Ok(response) => Condition::of_status(response.status().as_u16()),
        Err(never) => match *never {},
    }
}

/// The first attempt of every call fails.
#[tokio::test(start_paused = true)]
async fn retry() {
    let listed = NextUpstream::HTTP_503;
    for wait in [Duration::ZERO, Duration::from_millis(250)] {
        let backoff = Backoff {
            base: wait,
            cap: wait,
        };
        put_through(|probe| {
            let layer = RetryLayer::new(condition).next_upstream(listed);
            plain(layer.backoff(backoff).layer(probe))
        })
        .await;
        put_through(|probe| {
            let errors = |never: &Infallible| -> Outcome { match *never {} };
            let layer = RetryLayer::http(errors).next_upstream(listed);
            plain(layer.backoff(backoff).layer(probe))
        })
        .await;
    }
}

/// The loop of an `Upstream`, over a peer that is not a socket.
#[tokio::test(start_paused = true)]
async fn upstream() {
    put_through(|probe| {
        let name: Arc<str> = "peer".into();
        let endpoint = Endpoint {
            name,
            service: probe,
        };
        let peers = vec![(Member::new("peer"), Arc::new(endpoint))];
        let roster = Arc::new(Roster::new(Setup::default(), peers));
        let engine = Engine::new(roster, Plain::new(condition), Terms::default());
        let seen = engine.clone();
        let held = move || {
            seen.states()
                .iter()
                .map(|peer| peer.in_flight as usize)
                .sum()
        };
        Layered {
            service: engine,
            held: Box::new(held),
        }
    })
    .await;
}

/// In the one right order.
#[tokio::test(start_paused = true)]
async fn all_in_front_of_a_service() {
    put_through(|probe| {
        let bulkhead = BulkheadLayer::http(1).queue(queue()).build().unwrap();
        let handle = bulkhead.handle();
        let layers = ServiceBuilder::new()
            .layer(TimeoutLayer::http().request_timeout(MINUTE))
            .layer(RateLimitLayer::http(rate()).build().unwrap())
            .layer(bulkhead)
            .layer(RequestBodyTimeoutLayer::new(MINUTE));
        counted(layers.service(probe), handle)
    })
    .await;
}

#[test]
#[should_panic(expected = "called without being ready")]
fn the_probe_insists() {
    let (mut probe, _) = Probe::new(1);
    drop(tower::Service::call(&mut probe, Request::new(())));
}
