//! Whose budget it is.

use tokio::time::{Duration, Instant, advance};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_layer::Layer;
use tower_upstream::retry::{Backoff, Budget, BudgetConfig, RetryConfig, RetryLayer};

use super::{Log, every_error, failing};

const NONE: Backoff = Backoff {
    base: Duration::ZERO,
    cap: Duration::ZERO,
};

/// tower-rs/tower#857 and its kin: the sum of all retries is a share of the requests.
#[tokio::test(start_paused = true)]
async fn a_service_that_only_fails_gets_a_fifth_more_and_the_reserve() {
    let log = Log::default();
    let layer = RetryLayer::new(every_error).backoff(NONE);
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .service(failing(usize::MAX, &log));
    for _ in 0..1000 {
        service
            .ready()
            .await
            .unwrap()
            .call("request")
            .await
            .unwrap_err();
        advance(Duration::from_millis(9)).await;
    }
    let retries = log.attempts() - 1000;
    assert_eq!(retries, 200 + 100);
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_everything_is_sent_thrice() {
    let log = Log::default();
    let layer = RetryLayer::new(every_error).backoff(NONE).without_budget();
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .service(failing(usize::MAX, &log));
    for _ in 0..1000 {
        service
            .ready()
            .await
            .unwrap()
            .call("request")
            .await
            .unwrap_err();
    }
    assert_eq!(log.attempts(), 3000);
}

/// What 100 calls through `service` cost beyond themselves.
async fn retries<S>(service: &S, log: &Log) -> usize
where
    S: Service<&'static str, Error: std::fmt::Debug, Response: std::fmt::Debug> + Clone,
{
    let before = log.attempts();
    for _ in 0..100 {
        // A clone per call, as axum has one per connection.
        service.clone().oneshot("request").await.unwrap_err();
    }
    log.attempts() - before - 100
}

/// Applied per route, a layer must not give every route a budget of its own.
#[tokio::test(start_paused = true)]
async fn a_layer_applied_twice_is_one_budget() {
    let log = Log::default();
    let budget = BudgetConfig {
        percent: 0,
        per_second: 3,
    };
    let config = RetryConfig {
        attempts: 2,
        backoff: NONE,
        budget: Some(budget),
        ..RetryConfig::default()
    };
    let layer = RetryLayer::new(every_error).config(config);
    let one = layer.layer(failing(usize::MAX, &log));
    let two = layer.clone().layer(failing(usize::MAX, &log));
    assert_eq!(retries(&one, &log).await, 30);
    assert_eq!(retries(&two, &log).await, 0);
    advance(Duration::from_secs(11)).await;
    assert_eq!(retries(&two, &log).await, 30);
    assert_eq!(retries(&one, &log).await, 0);
}

#[tokio::test(start_paused = true)]
async fn two_layers_can_share_a_budget_and_anybody_can_look_at_it() {
    let log = Log::default();
    let budget = Budget::new(10, 2);
    let new = || RetryLayer::new(every_error).attempts(2).backoff(NONE);
    let one = new()
        .budget(budget.clone())
        .layer(failing(usize::MAX, &log));
    let two = new()
        .budget(budget.clone())
        .layer(failing(usize::MAX, &log));
    let other = new().layer(failing(usize::MAX, &log));
    assert_eq!(retries(&one, &log).await, 20 + 10);
    assert_eq!(retries(&two, &log).await, 10);
    assert_eq!(retries(&other, &log).await, 100);
    let told = budget.snapshot(Instant::now());
    assert_eq!((told.available, told.withdrawn, told.refused), (0, 40, 160));
}

/// The waits of all services of a layer come from one source, so that a seed repeats all of them and
/// two routes do not wait in step.
#[tokio::test(start_paused = true)]
async fn a_layer_applied_twice_draws_from_one_seed() {
    let gaps = |shared: bool| async move {
        let log = Log::default();
        let new = || RetryLayer::new(every_error).attempts(2).seed(3);
        let (one, two) = (new(), new());
        let two = if shared { one.clone() } else { two };
        one.layer(failing(usize::MAX, &log))
            .oneshot("request")
            .await
            .unwrap_err();
        two.layer(failing(usize::MAX, &log))
            .oneshot("request")
            .await
            .unwrap_err();
        let gaps = log.gaps();
        (gaps[0], gaps[2])
    };
    let (first, second) = gaps(false).await;
    assert_eq!(first, second);
    let (first, second) = gaps(true).await;
    assert_ne!(first, second);
}
