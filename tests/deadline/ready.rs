//! Readiness, clones, drops: what a service may be put through before and between calls.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http_body::Body as _;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_upstream::timeout::TimeoutLayer;

use super::stub::*;

#[tokio::test(start_paused = true)]
async fn a_clone_that_never_calls_keeps_nobody_s_place() {
    let mut service = ServiceBuilder::new()
        .layer(TimeoutLayer::http().request_timeout(SECOND))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(Slow::new(Some(10 * MS)));
    let mut idle = service.clone();
    idle.ready().await.unwrap();
    drop(idle);
    for _ in 0..2 {
        let answer = service.ready().await.unwrap().call(get()).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    // A request that is out of time gives its place back at once, with its answer still in hand.
    let mut slow = ServiceBuilder::new()
        .layer(TimeoutLayer::http().request_timeout(SECOND))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(Slow::new(Some(10 * SECOND)));
    let mut first = Box::pin(slow.ready().await.unwrap().call(get()));
    assert_eq!((&mut first).await.unwrap().status(), 504);
    let free = tokio::time::timeout(SECOND, slow.ready()).await;
    assert!(free.is_ok(), "the place is still taken");
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn waiting_is_not_polling() {
    let service = Slow::new(Some(10 * SECOND));
    let seen = service.seen.clone();
    let layer = TimeoutLayer::http().request_timeout(5 * SECOND);
    let answer = layer.layer(service).oneshot(get()).await.unwrap();
    assert_eq!(answer.status(), 504);
    // Once to begin, once when the time is over.
    assert_eq!(seen.polls(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_the_work_behind_is_dropped_too() {
    for polls in 0..3 {
        let service = Slow::new(Some(10 * SECOND));
        let seen = service.seen.clone();
        let mut layered = TimeoutLayer::http()
            .request_timeout(5 * SECOND)
            .layer(service);
        let mut call = Box::pin(layered.ready().await.unwrap().call(get()));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            assert!(matches!(call.as_mut().poll(&mut cx), Poll::Pending));
            tokio::time::advance(SECOND).await;
        }
        assert_eq!(seen.dropped(), 0);
        drop(call);
        assert_eq!(
            (seen.calls(), seen.dropped()),
            (1, 1),
            "after {polls} polls"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_half_way_drops_the_one_behind() {
    let (sender, behind) = tokio::sync::mpsc::unbounded_channel::<()>();
    let held = Arc::new(());
    let watch = Arc::downgrade(&held);
    let stream = futures_util::stream::unfold((behind, held), |(mut behind, held)| async move {
        behind.recv().await?;
        Some((Ok::<_, std::io::Error>("x"), (behind, held)))
    });
    let body = axum::body::Body::from_stream(stream);
    let mut body = Some(body);
    let service = tower::service_fn(move |_: http::Request<axum::body::Body>| {
        let response = http::Response::new(body.take().unwrap());
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    });
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let mut body = Box::pin(
        layer
            .layer(service)
            .oneshot(get())
            .await
            .unwrap()
            .into_body(),
    );
    let mut cx = Context::from_waker(Waker::noop());
    sender.send(()).unwrap();
    assert!(body.as_mut().poll_frame(&mut cx).is_ready());
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    assert!(watch.upgrade().is_some());
    drop(body);
    assert!(watch.upgrade().is_none());
}
