//! Behind axum's router, where a layer is applied once per route.

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use tower::{ServiceBuilder, ServiceExt};
use tower_upstream::answer::Reason;
use tower_upstream::breaker::{BreakerLayer, Error, State};
use tower_upstream::classify::{Classify, Condition, ServerErrors};

use crate::seconds;
use crate::world::consecutive;

async fn refusal<E>(error: Error<E>) -> (StatusCode, [(&'static str, String); 1]) {
    let after = error.retry_after().unwrap_or_default().as_secs();
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [("retry-after", after.to_string())],
    )
}

#[tokio::test(start_paused = true)]
async fn f_routes_under_one_layer_share_its_circuit() {
    let layer = BreakerLayer::builder()
        .rule(consecutive(4))
        .classify(ServerErrors)
        .build()
        .unwrap();
    let handle = layer.handle();
    let stack = || {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(refusal))
            .layer(layer.clone())
    };
    let broken = || get(async || StatusCode::INTERNAL_SERVER_ERROR);
    let router = Router::new()
        .route("/a", broken())
        .route("/b", broken())
        .route_layer(stack())
        .nest("/c", Router::new().route("/", broken()).layer(stack()))
        .route("/free", get(async || "ok"));
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    for path in ["/a", "/b", "/c", "/a"] {
        assert_eq!(ask(path).await.status(), 500, "{path}");
    }
    for path in ["/a", "/b", "/c"] {
        let refused = ask(path).await;
        assert_eq!(refused.status(), 503, "{path}");
        assert_eq!(refused.headers()["retry-after"], "10");
    }
    assert_eq!(ask("/free").await.status(), 200);
    let seen = handle.snapshot();
    assert_eq!(
        (seen.state, seen.failures, seen.rejected),
        (State::Open, 4, 3)
    );

    tokio::time::advance(seconds(10)).await;
    assert_eq!(ask("/b").await.status(), 500);
    assert_eq!(ask("/a").await.headers()["retry-after"], "20");
}

#[test]
fn server_errors_are_every_status_from_500_on() {
    let condition = |status: u16| {
        let response = axum::http::Response::builder().status(status).body(());
        ServerErrors.classify(&Ok::<_, ()>(response.unwrap()))
    };
    assert_eq!(condition(200), Condition::Served);
    assert_eq!(condition(404), Condition::Http404);
    assert_eq!(condition(429), Condition::Http429);
    assert_eq!(condition(499), Condition::Served);
    assert_eq!(condition(500), Condition::Http500);
    assert_eq!(condition(501), Condition::Http500);
    assert_eq!(condition(503), Condition::Http503);
    assert_eq!(condition(599), Condition::Http500);
    let failed: Result<axum::http::Response<()>, ()> = Err(());
    assert_eq!(ServerErrors.classify(&failed), Condition::Error);
}

#[tokio::test(start_paused = true)]
async fn over_http_it_can_answer_and_errors_keep_their_type() {
    let layer = BreakerLayer::http().rule(consecutive(2)).build().unwrap();
    let handle = layer.handle();
    // No `HandleErrorLayer`: axum takes none but infallible services.
    let app = Router::new()
        .route("/", get(async || StatusCode::BAD_GATEWAY))
        .layer(layer);
    let ask = async || {
        let request = Request::new(Body::empty());
        app.clone().oneshot(request).await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(ask().await.status(), 502);
    }
    tokio::time::advance(seconds(2)).await;
    let refused = ask().await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "8");
    assert_eq!(refused.extensions().get(), Some(&Reason::Open));

    // Nobody knows until when.
    handle.force_open();
    let refused = ask().await;
    assert_eq!(refused.status(), 503);
    assert!(!refused.headers().contains_key("retry-after"));
    handle.force_closed();
    assert_eq!(ask().await.status(), 502);
}
