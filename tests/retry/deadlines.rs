//! No attempt begins when the request's time is over.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tokio::time::{Instant, sleep};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_upstream::NextUpstream;
use tower_upstream::classify::Outcome;
use tower_upstream::retry::{AttemptBody, Backoff, RetryLayer};
use tower_upstream::timeout::Deadline;

use super::{Failure, Log, every_error, failing};

const SECOND: Duration = Duration::from_secs(1);

/// Waits of a second at most, drawn from this seed.
const WAITS: Backoff = Backoff {
    base: SECOND,
    cap: SECOND,
};

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_current_deadline_is_not_begun() {
    let layer = || RetryLayer::new(every_error).backoff(WAITS).seed(7);
    let log = Log::default();
    let start = Instant::now();
    assert_eq!(layer().layer(failing(1, &log)).oneshot("x").await, Ok(2));
    let wait = start.elapsed();
    assert!(wait > Duration::from_millis(5), "{wait:?}");

    for (left, attempts) in [(wait / 2, 1), (2 * wait, 2)] {
        let log = Log::default();
        let start = Instant::now();
        let call = layer().layer(failing(1, &log)).oneshot("x");
        let answer = Deadline::after(left).scope(call).await;
        assert_eq!(log.attempts(), attempts);
        match attempts {
            1 => {
                assert_eq!(answer, Err(Failure(1)), "the attempt's own result");
                assert_eq!(start.elapsed(), Duration::ZERO, "and at once");
            }
            _ => assert_eq!(answer, Ok(2)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_http_request_carries_its_own() {
    let log = Log::default();
    let served = log.clone();
    let layer = RetryLayer::http(|never: &Infallible| -> Outcome { match *never {} })
        .next_upstream(NextUpstream::HTTP_503)
        .backoff(Backoff {
            base: Duration::ZERO,
            cap: Duration::ZERO,
        });
    let service = layer.layer(service_fn(move |_: Request<AttemptBody>| {
        served.begin();
        async {
            sleep(SECOND).await;
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok::<_, Infallible>(response)
        }
    }));
    let request = Request::get("/").extension(Deadline::after(3 * SECOND / 2));
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(log.attempts(), 2, "the third would begin after two seconds");
}
