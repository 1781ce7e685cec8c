//! When retries begin.

use tokio::time::{Duration, Instant};
use tower::{ServiceBuilder, ServiceExt};
use tower_upstream::retry::{Backoff, RetryLayer};

use super::{Failure, Log, every_error, failing};

const MS: Duration = Duration::from_millis(1);

async fn gaps(seed: u64, backoff: Backoff) -> Vec<Duration> {
    let log = Log::default();
    let layer = RetryLayer::new(every_error)
        .seed(seed)
        .attempts(8)
        .backoff(backoff);
    let service = ServiceBuilder::new()
        .layer(layer)
        .service(failing(99, &log));
    assert_eq!(service.oneshot("request").await, Err(Failure(8)));
    log.gaps()
}

#[tokio::test(start_paused = true)]
async fn waits_are_those_the_seed_draws() {
    let backoff = Backoff {
        base: 40 * MS,
        cap: 500 * MS,
    };
    let mut different = Vec::new();
    for seed in 0..50 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let gaps = gaps(seed, backoff).await;
        assert_eq!(gaps.len(), 7);
        for (retries, gap) in (0u32..).zip(&gaps) {
            let drawn = backoff.delay(retries, &mut rng);
            assert!(drawn <= (40 * MS * 2u32.pow(retries)).min(500 * MS));
            // The runtime's timers are a millisecond coarse.
            assert!(
                (drawn..drawn + 2 * MS).contains(gap),
                "{gap:?} for {drawn:?}"
            );
        }
        different.push(gaps);
    }
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn no_backoff_is_no_wait() {
    let none = Backoff {
        base: Duration::ZERO,
        cap: Duration::ZERO,
    };
    assert_eq!(gaps(1, none).await, [Duration::ZERO; 7]);
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_after_the_timeout_and_none_is_waited_for_in_vain() {
    let mut cut_short = 0;
    for seed in 0..50 {
        let log = Log::default();
        let layer = RetryLayer::new(every_error)
            .seed(seed)
            .attempts(1000)
            .without_budget()
            .backoff(Backoff {
                base: 100 * MS,
                cap: 100 * MS,
            })
            .timeout(300 * MS);
        let service = ServiceBuilder::new()
            .layer(layer)
            .service(failing(9999, &log));
        let start = Instant::now();
        let result = service.oneshot("request").await;
        let attempts = log.attempts();
        assert_eq!(result, Err(Failure(attempts)));
        let begun: Duration = log.gaps().iter().sum();
        assert!(
            begun <= 301 * MS,
            "the last of {attempts} began after {begun:?}"
        );
        // It ended with the last attempt, not at the timeout.
        assert_eq!(start.elapsed(), begun);
        cut_short += usize::from(begun < 290 * MS);
    }
    assert!(cut_short > 25, "only {cut_short} of 50 ended early");
}

/// Time spent in attempts counts.
#[tokio::test(start_paused = true)]
async fn a_slow_attempt_uses_up_the_timeout() {
    let log = Log::default();
    let inner = failing(9, &log);
    let slow = tower::util::service_fn(move |request: &'static str| {
        let answer = inner.clone().oneshot(request);
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            answer.await
        }
    });
    let layer = RetryLayer::new(every_error).timeout(Duration::from_secs(3));
    let service = ServiceBuilder::new().layer(layer).service(slow);
    assert_eq!(service.oneshot("request").await, Err(Failure(2)));
}
