//! Nobody waits for a turn that comes when his time is over.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tokio::time::Instant;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_upstream::answer::{Error, Reason};
use tower_upstream::limit::rate::{RateLimit, RateLimitLayer, Snapshot};
use tower_upstream::timeout::{Deadline, TimeoutLayer};

use crate::millis;
use crate::world::Probe;

fn reason(answer: Result<&'static str, Error<&'static str>>) -> Reason {
    match answer {
        Err(Error::Refused(refusal)) => refusal.reason(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_too_late_is_not_waited_for() {
    let layer = RateLimitLayer::errors(RateLimit::per_second(10).burst(9));
    let layer = layer.build().unwrap();
    let probe = Probe::new(1);
    let seen = Arc::clone(&probe.seen);
    let service = layer.layer(probe);
    let within = |time| Deadline::after(time).scope(service.clone().oneshot(Duration::ZERO));
    let start = Instant::now();
    assert_eq!(within(millis(100)).await, Ok("answer"));
    // Its turn is in 100 ms, and then its time is over.
    assert_eq!(reason(within(millis(100)).await), Reason::Deadline);
    assert_eq!((start.elapsed(), seen.calls()), (Duration::ZERO, 1));
    // It stays charged, like one who leaves: the next one's turn is in 200 ms.
    assert_eq!(reason(within(millis(200)).await), Reason::Deadline);
    assert_eq!(within(millis(400)).await, Ok("answer"));
    assert!(start.elapsed() >= millis(300));
    let counted = Snapshot {
        passed: 1,
        delayed: 1,
        expired: 2,
        ..Snapshot::default()
    };
    assert_eq!(layer.snapshot(), counted);
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_is_not_charged_and_gives_its_readiness_back() {
    let layer = RateLimitLayer::errors(RateLimit::per_second(1))
        .build()
        .unwrap();
    let probe = Probe::new(1);
    let seen = Arc::clone(&probe.seen);
    let service = layer.layer(probe);
    let late = Deadline::after(Duration::ZERO).scope(service.clone().oneshot(Duration::ZERO));
    assert_eq!(reason(late.await), Reason::Deadline);
    assert_eq!((seen.calls(), seen.free()), (0, 1));
    assert_eq!(service.oneshot(Duration::ZERO).await, Ok("answer"));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_refuses_nobody_for_the_time() {
    let layer = RateLimitLayer::errors(RateLimit::per_second(1).burst(1)).dry_run(true);
    let service = layer.build().unwrap().layer(Probe::new(1));
    for _ in 0..3 {
        let late = Deadline::after(Duration::ZERO).scope(service.clone().oneshot(Duration::ZERO));
        assert_eq!(late.await, Ok("answer"));
    }
}

/// As the guide has them: the caller is told at once, and not when its time is over.
#[tokio::test(start_paused = true)]
async fn behind_a_timeout_the_answer_is_a_504_at_once() {
    let rate = RateLimitLayer::http(RateLimit::per_second(1).burst(5))
        .build()
        .unwrap();
    let layers = ServiceBuilder::new()
        .layer(TimeoutLayer::http().request_timeout(millis(500)))
        .layer(rate);
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(layers);
    let ask = || app.clone().oneshot(Request::new(Body::empty()));
    let start = Instant::now();
    assert_eq!(ask().await.unwrap().status(), 200);
    let late = ask().await.unwrap();
    assert_eq!(late.status(), 504);
    assert_eq!(late.extensions().get(), Some(&Reason::Deadline));
    assert_eq!(start.elapsed(), Duration::ZERO);
}
