//! Which limit holds, and what becomes of work that exceeds it.

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderName, StatusCode};
use http_body::Body as _;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tower_upstream::answer::Reason;
use tower_upstream::timeout::{Deadline, Incoming, TimeoutLayer};

use super::stub::*;

const PLAIN: HeaderName = HeaderName::from_static("x-request-timeout");

#[tokio::test(start_paused = true)]
async fn work_that_takes_too_long_is_dropped_and_answered() {
    let service = Slow::new(Some(5 * SECOND));
    let seen = service.seen.clone();
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let mut service = layer.layer(service);
    let mut call = Box::pin(service.ready().await.unwrap().call(get()));
    let (answer, took) = timed(&mut call).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.extensions().get(), Some(&Reason::Timeout));
    assert_eq!(took, SECOND);
    // Before anybody has done anything with the answer, or dropped the call.
    assert_eq!((seen.calls(), seen.dropped()), (1, 1));
    drop(call);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_done_in_time_is_handed_out_as_it_is() {
    for takes in [None, Some(SECOND - MS)] {
        let service = Slow::new(takes);
        let layer = TimeoutLayer::http().request_timeout(SECOND);
        let answer = layer.layer(service).oneshot(get()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let body = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), 99).await;
        assert_eq!(body.unwrap(), "done");
    }
}

#[tokio::test(start_paused = true)]
async fn without_limits_nothing_is_limited_or_carried() {
    let layer = TimeoutLayer::http();
    let answer = layer
        .layer(Slow::new(Some(100_000 * SECOND)))
        .oneshot(get());
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.extensions().get::<Deadline>(), None);
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_all_limits_holds_and_is_carried() {
    let trusting = Incoming::trusting_all().header(PLAIN);
    let own = TimeoutLayer::http().request_timeout(3 * SECOND);
    let now = Instant::now();
    let after = |seconds| Deadline::at(now + seconds * SECOND);
    let carrying = |seconds| {
        let mut request = get();
        request.extensions_mut().insert(after(seconds));
        request
    };
    let both = |seconds, text| {
        let mut request = told("grpc-timeout", text);
        request.extensions_mut().insert(after(seconds));
        request
    };
    for (incoming, request, holds) in [
        (None, get(), 3),
        // Nobody's word is taken unasked.
        (None, told("grpc-timeout", "1S"), 3),
        (None, told("x-request-timeout", "1000"), 3),
        (Some(&trusting), told("grpc-timeout", "1S"), 1),
        (Some(&trusting), told("x-request-timeout", "2000"), 2),
        (Some(&trusting), told("grpc-timeout", "4S"), 3),
        // What a layer in front or the application has put there needs no trust.
        (None, carrying(2), 2),
        (None, carrying(9), 3),
        (Some(&trusting), both(2, "1S"), 1),
        (Some(&trusting), both(1, "2S"), 1),
    ] {
        let layer = match incoming {
            Some(incoming) => own.clone().incoming(incoming.clone()),
            None => own.clone(),
        };
        let what = format!("{:?} {:?}", request.headers(), request.extensions());
        let answer = layer.layer(Slow::new(None)).oneshot(request).await.unwrap();
        assert_eq!(answer.extensions().get(), Some(&after(holds)), "{what}");
    }
    assert_eq!(Instant::now(), now);
}

#[tokio::test(start_paused = true)]
async fn the_caller_s_time_ends_work_as_our_own_does_and_is_told_apart() {
    let layer = TimeoutLayer::http()
        .request_timeout(5 * SECOND)
        .incoming(Incoming::trusting_all());
    let service = Slow::new(Some(9 * SECOND));
    let call = layer.layer(service).oneshot(told("grpc-timeout", "250m"));
    let (answer, took) = timed(call).await;
    assert_eq!(took, 250 * MS);
    assert_eq!(answer.unwrap().extensions().get(), Some(&Reason::Deadline));
}

#[tokio::test(start_paused = true)]
async fn work_whose_time_is_gone_is_not_begun() {
    let layer = TimeoutLayer::http().incoming(Incoming::trusting_all());
    let service = Slow::new(None);
    let seen = service.seen.clone();
    let mut service = layer.layer(service);
    let mut late = get();
    late.extensions_mut().insert(Deadline::after(SECOND));
    tokio::time::advance(SECOND).await;
    for request in [told("grpc-timeout", "0n"), late] {
        let (answer, took) = timed(service.ready().await.unwrap().call(request)).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(answer.extensions().get(), Some(&Reason::Deadline));
        assert!(took.is_zero());
    }
    assert_eq!((seen.calls(), seen.polls()), (0, 0));
    // And the service is as it was.
    let answer = service.ready().await.unwrap().call(get()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_refuses_everything() {
    let service = Slow::new(None);
    let seen = service.seen.clone();
    let layer = TimeoutLayer::http().request_timeout(Duration::ZERO);
    let answer = layer.layer(service).oneshot(get()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(seen.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_with_the_end_of_its_time_comes_too_late() {
    // The call made while serving has the same deadline: it fails in the same moment, and what the
    // service makes of that must not win over the limit by luck.
    let service = Slow::new(Some(SECOND));
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let answer = layer.layer(service).oneshot(get()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn grpc_callers_and_other_statuses() {
    let layer = TimeoutLayer::http().request_timeout(SECOND).status(503);
    let service = layer.layer(Slow::new(Some(5 * SECOND)));
    let answer = service.clone().oneshot(get()).await.unwrap();
    assert_eq!(answer.status(), 503);

    let call = told("content-type", "application/grpc+proto");
    let answer = service.oneshot(call).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "4");
    assert!(answer.body().is_end_stream(), "trailers only");

    for no_error in [0, 200, 399, 600] {
        let layer = TimeoutLayer::http()
            .request_timeout(SECOND)
            .status(no_error);
        let answer = layer
            .layer(Slow::new(Some(5 * SECOND)))
            .oneshot(get())
            .await
            .unwrap();
        assert_eq!(answer.status(), 504, "{no_error}");
    }
}

#[test]
fn an_answer_that_is_ready_at_once_needs_no_timer() {
    // There is no runtime here that could give one.
    let layer = TimeoutLayer::http()
        .request_timeout(SECOND)
        .idle_timeout(SECOND);
    let mut call = Box::pin(layer.layer(Slow::new(None)).oneshot(get()));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = call.as_mut().poll(&mut cx) else {
        panic!("it is ready at once");
    };
    let mut body = Box::pin(answer.unwrap().into_body());
    let frame = body.as_mut().poll_frame(&mut cx);
    assert!(matches!(frame, Poll::Ready(Some(Ok(_)))));
}
