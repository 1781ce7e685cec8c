//! How often, and what is not repeated.

use tokio::time::{Duration, Instant};
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::util::service_fn;
use tower_upstream::NextUpstream;
use tower_upstream::classify::{Classify, Condition, Outcome};
use tower_upstream::retry::{Budget, Replay, RetryConfig, RetryLayer};

use super::{Failure, Log, every_error, failing};

type Judge = fn(&Result<usize, Failure>) -> Condition;

async fn call(layer: RetryLayer<Judge>, failures: usize) -> (Result<usize, Failure>, usize) {
    let log = Log::default();
    let service = ServiceBuilder::new()
        .layer(layer)
        .service(failing(failures, &log));
    let result = service.oneshot("request").await;
    (result, log.attempts())
}

fn layer() -> RetryLayer<Judge> {
    RetryLayer::new(every_error)
}

#[tokio::test(start_paused = true)]
async fn three_attempts_are_made_and_the_last_error_is_the_calls() {
    assert_eq!(call(layer(), 9).await, (Err(Failure(3)), 3));
    assert_eq!(call(layer().attempts(5), 9).await, (Err(Failure(5)), 5));
    assert_eq!(call(layer().attempts(1), 9).await, (Err(Failure(1)), 1));
    assert_eq!(call(layer().attempts(0), 9).await, (Err(Failure(1)), 1));
}

#[tokio::test(start_paused = true)]
async fn the_first_success_is_the_answer() {
    assert_eq!(call(layer(), 1).await, (Ok(2), 2));
    let start = Instant::now();
    let budget = Budget::default();
    assert_eq!(call(layer().budget(budget.clone()), 0).await, (Ok(1), 1));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(budget.snapshot(start).withdrawn, 0);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_listed_is_repeated() {
    let off = layer().next_upstream(NextUpstream::OFF);
    assert_eq!(call(off, 9).await, (Err(Failure(1)), 1));
    let timeouts = layer().next_upstream(NextUpstream::TIMEOUT);
    assert_eq!(call(timeouts, 9).await, (Err(Failure(1)), 1));
    let served: Judge = |_| Condition::Served;
    assert_eq!(call(RetryLayer::new(served), 9).await, (Err(Failure(1)), 1));
    let aborted: Judge = |_| Condition::Aborted;
    assert_eq!(
        call(RetryLayer::new(aborted), 9).await,
        (Err(Failure(1)), 1)
    );
}

/// An answer can be as bad as an error, and the last bad one is still an answer.
#[tokio::test(start_paused = true)]
async fn answers_are_repeated_too_and_the_last_is_handed_out() {
    let log = Log::default();
    let layer = RetryLayer::new(|result: &Result<usize, Failure>| match result {
        Ok(n) if n % 2 == 1 => Condition::Http503,
        _ => Condition::Served,
    });
    let layer = layer.next_upstream(NextUpstream::HTTP_503);
    let service = ServiceBuilder::new()
        .layer(layer.clone())
        .service(failing(0, &log));
    assert_eq!(service.oneshot("request").await, Ok(2));
    assert_eq!(log.attempts(), 2);
    let service = ServiceBuilder::new()
        .layer(layer.attempts(1))
        .service(failing(0, &log));
    assert_eq!(service.oneshot("request").await, Ok(3));
}

/// Whatever comes is an error, of a request that was sent or not.
#[derive(Clone)]
struct Broken {
    sent: bool,
}

impl<T, E> Classify<T, E> for Broken {
    fn classify(&self, _: &Result<T, E>) -> Condition {
        Condition::Error
    }

    fn outcome(&self, result: &Result<T, E>) -> Outcome {
        Outcome {
            sent: self.sent,
            ..Outcome::new(self.classify(result))
        }
    }
}

#[derive(Clone)]
struct Writes;

impl Replay<&'static str> for Writes {
    type Attempt = &'static str;
    type Kept = &'static str;

    fn keep(&self, request: &'static str) -> &'static str {
        request
    }

    fn attempt(&self, kept: &mut &'static str, _: u32) -> &'static str {
        kept
    }

    fn idempotent(&self, kept: &&'static str) -> bool {
        *kept != "write"
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_is_repeated_only_when_unsent_or_listed() {
    for (request, sent, listed, attempts) in [
        ("read", true, false, 3),
        ("write", true, false, 1),
        ("write", false, false, 3),
        ("write", true, true, 3),
    ] {
        let log = Log::default();
        let layer = RetryLayer::new(Broken { sent });
        let words = match listed {
            true => NextUpstream::ERROR | NextUpstream::NON_IDEMPOTENT,
            false => NextUpstream::ERROR,
        };
        let layer = layer.next_upstream(words).requests(Writes);
        let service = ServiceBuilder::new().layer(layer).service(failing(9, &log));
        assert_eq!(service.oneshot(request).await, Err(Failure(attempts)));
    }
}

/// A request that cannot be given a second time is not asked for, and what it answered is handed out.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_back_is_not_repeated() {
    #[derive(Clone)]
    struct Once;

    impl Replay<String> for Once {
        type Attempt = String;
        type Kept = Option<String>;

        fn keep(&self, request: String) -> Option<String> {
            Some(request)
        }

        fn attempt(&self, kept: &mut Option<String>, _: u32) -> String {
            kept.take().expect("asked for once")
        }

        fn withdraw(&self, kept: &Option<String>) -> bool {
            kept.is_some()
        }
    }

    let layer = RetryLayer::new(every_error::<(), String>).requests(Once);
    let echo = service_fn(|request: String| std::future::ready(Err(request)));
    let service = ServiceBuilder::new().layer(layer).service(echo);
    assert_eq!(
        service.oneshot("moved".to_owned()).await,
        Err("moved".to_owned())
    );
}

#[test]
fn the_numbers_are_checked() {
    assert!(RetryConfig::default().problems().is_empty());
    let mut config = RetryConfig {
        attempts: 0,
        ..RetryConfig::default()
    };
    config.backoff.base = config.backoff.cap * 2;
    config.budget.as_mut().unwrap().per_second = 0;
    assert_eq!(config.problems().len(), 3, "{:?}", config.problems());
}

#[tokio::test(start_paused = true)]
async fn all_numbers_come_from_one_value_too() {
    let config = RetryConfig {
        attempts: 2,
        ..RetryConfig::default()
    };
    assert_eq!(call(layer().config(config), 9).await, (Err(Failure(2)), 2));
    let nothing = RetryConfig {
        next_upstream: NextUpstream::OFF,
        ..config
    };
    assert_eq!(call(layer().config(nothing), 9).await, (Err(Failure(1)), 1));
}
