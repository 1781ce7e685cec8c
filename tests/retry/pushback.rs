//! What a service says of when to come back, on paused time.

use std::convert::Infallible;
use std::time::SystemTime;

use http::{Request, Response};
use http_body_util::Empty;
use tokio::time::Duration;
use tower::util::service_fn;
use tower::{ServiceBuilder, ServiceExt};
use tower_upstream::NextUpstream;
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::retry::{AttemptBody, Backoff, RetryLayer};

use super::Log;

const BOUND: Duration = Duration::from_millis(50);

fn never(_: &Infallible) -> Outcome {
    Outcome::new(Condition::Served)
}

/// The gaps between attempts at a service that always answers 503 with this header.
async fn gaps(name: &'static str, value: &str, timeout: Duration) -> Vec<Duration> {
    let log = Log::default();
    let (seen, value) = (log.clone(), value.to_owned());
    let busy = service_fn(move |_: Request<AttemptBody>| {
        seen.begin();
        let answer = Response::builder()
            .status(503)
            .header(name, &value)
            .body(())
            .unwrap();
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let layer = RetryLayer::http(never)
        .next_upstream(NextUpstream::HTTP_503)
        .timeout(timeout)
        .backoff(Backoff {
            base: BOUND,
            cap: BOUND,
        });
    let service = ServiceBuilder::new().layer(layer).service(busy);
    let answer = service
        .oneshot(Request::new(Empty::<bytes::Bytes>::new()))
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
    log.gaps()
}

/// Both waits between three attempts are within these.
fn within(gaps: &[Duration], least: Duration, most: Duration) {
    assert_eq!(gaps.len(), 2);
    let tick = Duration::from_millis(2);
    for gap in gaps {
        assert!(
            (least..=most + tick).contains(gap),
            "{gap:?}, not {least:?} to {most:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let three = Duration::from_secs(3);
    within(
        &gaps("retry-after", "3", Duration::ZERO).await,
        three,
        three,
    );
    within(
        &gaps("retry-after", "0", Duration::ZERO).await,
        Duration::ZERO,
        BOUND,
    );
    within(
        &gaps("retry-after", "soon", Duration::ZERO).await,
        Duration::ZERO,
        BOUND,
    );
}

#[tokio::test(start_paused = true)]
async fn no_service_parks_a_caller_for_an_hour() {
    let five = Duration::from_secs(5);
    for hour in ["3600", "99999999999999999999"] {
        within(
            &gaps("retry-after", hour, Duration::ZERO).await,
            five,
            five + BOUND,
        );
    }
    let gaps = gaps("grpc-retry-pushback-ms", "3600000", Duration::ZERO).await;
    within(&gaps, five, five + BOUND);
}

#[tokio::test(start_paused = true)]
async fn a_date_is_compared_with_our_clock() {
    let date = |ahead| httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(ahead));
    let gaps_to = |date: String| async move { gaps("retry-after", &date, Duration::ZERO).await };
    // Whole seconds, and by the second retry the date has come.
    let gaps = gaps_to(date(4)).await;
    let (least, most) = (Duration::from_secs(3) - BOUND, Duration::from_secs(4));
    assert!((least..=most + BOUND).contains(&gaps[0]), "{gaps:?}");
    assert!(gaps[1] <= BOUND * 2, "{gaps:?}");
    let past = gaps_to("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()).await;
    within(&past, Duration::ZERO, BOUND);
    let hour = gaps_to(date(3600)).await;
    within(
        &hour,
        Duration::from_secs(5),
        Duration::from_secs(5) + BOUND,
    );
}

#[tokio::test(start_paused = true)]
async fn grpc_pushback_is_waited_for_and_a_negative_one_is_a_refusal() {
    let asked = Duration::from_millis(1500);
    within(
        &gaps("grpc-retry-pushback-ms", "1500", Duration::ZERO).await,
        asked,
        asked,
    );
    for refusal in ["-1", "x"] {
        assert!(
            gaps("grpc-retry-pushback-ms", refusal, Duration::ZERO)
                .await
                .is_empty()
        );
    }
}

/// A wait that would end after the call's time is not begun.
#[tokio::test(start_paused = true)]
async fn a_pushback_beyond_the_timeout_ends_the_call_at_once() {
    let start = tokio::time::Instant::now();
    assert!(
        gaps("retry-after", "3", Duration::from_secs(2))
            .await
            .is_empty()
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
}
