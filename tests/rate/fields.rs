//! `RateLimit` and `RateLimit-Policy`, as draft-ietf-httpapi-ratelimit-headers-11 has them.

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};
use tower_upstream::answer::HttpAnswers;
use tower_upstream::limit::rate::{
    Builder, One, Rate, RateLimit, RateLimitFields, RateLimitLayer, Zone,
};
use tower_upstream::limit::{Everyone, Header};

use crate::millis;

async fn ask<K>(layer: &RateLimitLayer<K, HttpAnswers>, tenant: &str) -> Response<Body>
where
    K: tower_upstream::limit::rate::KeySet<Request<Body>>,
{
    let hello =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let request = Request::get("/")
        .header("tenant", tenant)
        .body(Body::empty());
    layer.layer(hello).oneshot(request.unwrap()).await.unwrap()
}

fn said(response: &Response<Body>, name: &str) -> String {
    let values = response.headers().get_all(name).iter();
    let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
    values.join(" & ")
}

fn http(limit: RateLimit) -> Builder<One<Everyone>, HttpAnswers> {
    RateLimitLayer::http(limit)
}

#[tokio::test(start_paused = true)]
async fn refusals_say_when_to_come_back() {
    let layer = http(RateLimit::per_minute(5)).status(429).build().unwrap();
    let response = ask(&layer, "").await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
    advance(millis(100)).await;
    let response = ask(&layer, "").await;
    assert_eq!(response.status(), 429);
    // 83 thousandths a second: one request every 12.048 s, 0.1 s of which have passed.
    assert_eq!(said(&response, "retry-after"), "12");
    assert_eq!(said(&response, "ratelimit"), "\"default\";r=0;t=12");
    assert_eq!(said(&response, "ratelimit-policy"), "\"default\";q=1;w=13");
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_less_than_a_second_is_a_second() {
    let layer = http(RateLimit::per_second(10)).build().unwrap();
    ask(&layer, "").await;
    let response = ask(&layer, "").await;
    assert_eq!(response.status(), 503);
    assert_eq!(said(&response, "retry-after"), "1");
    assert_eq!(said(&response, "ratelimit"), "\"default\";r=0;t=1");
}

#[tokio::test(start_paused = true)]
async fn answers_say_how_many_are_left_if_asked_to() {
    let limit = RateLimit::per_second(1).burst(3).nodelay();
    let layer = http(limit).fields(RateLimitFields::Always).build().unwrap();
    let mut left = Vec::new();
    for _ in 0..5 {
        left.push(said(&ask(&layer, "").await, "ratelimit"));
    }
    let item = |r, t| format!("\"default\";r={r};t={t}");
    assert_eq!(
        left,
        [item(3, 1), item(2, 1), item(1, 1), item(0, 1), item(0, 1)]
    );
    advance(millis(2500)).await;
    let response = ask(&layer, "").await;
    assert_eq!(said(&response, "ratelimit"), item(1, 1));
    assert_eq!(said(&response, "ratelimit-policy"), "\"default\";q=4;w=4");
}

#[tokio::test(start_paused = true)]
async fn the_limit_that_matters_is_named_and_all_policies_are() {
    let site = Zone::new("a \"site\" ü\\", Rate::per_second(100));
    let tenants = Zone::new("tenants", Rate::per_second(10));
    let layer = RateLimitLayer::http(RateLimit::zone(&site).burst(20).nodelay())
        .and(
            RateLimit::zone(&tenants)
                .burst(3)
                .nodelay()
                .key(Header::new("tenant".parse().unwrap())),
        )
        .fields(RateLimitFields::Always)
        .build()
        .unwrap();
    let response = ask(&layer, "blue").await;
    assert_eq!(said(&response, "ratelimit"), "\"tenants\";r=3;t=1");
    let policy = "\"a \\\"site\\\" ?\\\\\";q=100;w=1, \"tenants\";q=10;w=1";
    assert_eq!(said(&response, "ratelimit-policy"), policy);
    // Without a tenant only the site counts.
    let response = ask(&layer, "").await;
    assert!(said(&response, "ratelimit").ends_with("\";r=19;t=1"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_if_nothing_is_to_be() {
    let layer = http(RateLimit::per_second(1))
        .fields(RateLimitFields::Never)
        .build()
        .unwrap();
    ask(&layer, "").await;
    let response = ask(&layer, "").await;
    assert_eq!(response.headers().len(), 1, "Retry-After");
}
