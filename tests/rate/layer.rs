//! The layer over a service of any kind: waits, readiness, drops, and whose state is whose.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, advance, timeout};
use tower::{Layer, Service, ServiceExt};
use tower_upstream::answer::{Error, Errors, Reason};
use tower_upstream::limit::rate::{
    One, Rate, RateLimit, RateLimitLayer, RateLimited, Snapshot, Zone,
};
use tower_upstream::limit::{Everyone, Key};

use crate::millis;
use crate::world::{Probe, Seen};

type Layered = RateLimitLayer<One<Everyone>, Errors>;

const AT_ONCE: Duration = Duration::ZERO;

fn layer(limit: RateLimit) -> Layered {
    RateLimitLayer::errors(limit).build().unwrap()
}

fn limited(limit: RateLimit) -> (RateLimited<Probe, One<Everyone>, Errors>, Arc<Seen>) {
    let probe = Probe::new(1);
    let seen = Arc::clone(&probe.seen);
    (layer(limit).layer(probe), seen)
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_too_early_wait_and_the_rest_is_refused() {
    let (service, seen) = limited(RateLimit::per_second(10).burst(2));
    let start = Instant::now();
    let calls = (0..4).map(|_| service.clone().oneshot(AT_ONCE));
    let results = futures_util::future::join_all(calls).await;
    assert_eq!(results[..3], [Ok("answer"), Ok("answer"), Ok("answer")]);
    let took = start.elapsed();
    assert!((millis(200)..millis(203)).contains(&took), "{took:?}");
    let error = results[3].as_ref().unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.reason(), Reason::RateLimited);
    assert_eq!(refusal.status(), 503);
    assert_eq!(refusal.retry_after(), Some(millis(100)));
    assert_eq!(seen.calls(), 3);
    let counted = Snapshot {
        passed: 1,
        delayed: 2,
        rejected: 1,
        ..Snapshot::default()
    };
    assert_eq!(service.snapshot(), counted);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_passes_takes_the_readiness_that_was_waited_for() {
    let (mut service, seen) = limited(RateLimit::per_second(10).burst(9).nodelay());
    for call in 1..=3 {
        let result = service.ready().await.unwrap().call(AT_ONCE).await;
        assert_eq!(result, Ok("answer"));
        assert_eq!((seen.polls(), seen.calls()), (call, call));
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_holds_no_place_and_is_not_polled_meanwhile() {
    let (mut service, seen) = limited(RateLimit::per_second(1).burst(1));
    service.ready().await.unwrap().call(AT_ONCE).await.unwrap();
    service.ready().await.unwrap();
    assert_eq!(seen.free(), 0);
    let mut waiting = by_hand(service.call(AT_ONCE));
    assert_eq!(seen.free(), 1, "given back when the wait began");
    let polls = seen.polls();
    assert!(waiting.poll().is_none());
    advance(millis(900)).await;
    assert!(!waiting.woken(), "no busy loop");
    assert_eq!(seen.polls(), polls);
    advance(millis(102)).await;
    assert!(waiting.woken());
    assert_eq!(waiting.poll(), Some(Ok("answer")));
    assert_eq!((seen.calls(), seen.polls()), (2, polls + 1));
}

#[tokio::test(start_paused = true)]
async fn who_waited_queues_for_the_service_like_everybody() {
    let (mut service, seen) = limited(RateLimit::per_second(10).burst(1));
    let long = tokio::spawn(service.ready().await.unwrap().call(millis(500)));
    let start = Instant::now();
    // The service is not ready for 500 ms: neither is the limiter.
    assert!(service.clone().ready().now_or_never().is_none());
    assert_eq!(
        service.ready().await.unwrap().call(AT_ONCE).await,
        Ok("answer")
    );
    assert!(start.elapsed() >= millis(500));
    assert_eq!(long.await.unwrap(), Ok("answer"));
    assert_eq!(seen.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_gives_the_readiness_back() {
    let (mut service, seen) = limited(RateLimit::per_second(1));
    service.ready().await.unwrap().call(AT_ONCE).await.unwrap();
    service.ready().await.unwrap();
    assert_eq!(seen.free(), 0);
    let refused = service.call(AT_ONCE);
    assert_eq!(seen.free(), 1, "before the answer is even asked for");
    assert!(matches!(refused.await, Err(Error::Refused(_))));
    // The service is still there, to be called by somebody else.
    let other = service.get_ref().clone().oneshot(AT_ONCE);
    assert_eq!(timeout(millis(1), other).await.unwrap(), Ok("answer"));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_waiting_stays_charged() {
    let (service, seen) = limited(RateLimit::per_second(10).burst(2));
    service.clone().oneshot(AT_ONCE).await.unwrap();
    for _ in 0..2 {
        let left = service.clone().oneshot(AT_ONCE);
        assert!(left.now_or_never().is_none());
    }
    assert_eq!(seen.free(), 1);
    let refused = service.clone().oneshot(AT_ONCE).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "as in NGINX");
    assert_eq!(seen.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_await_gives_its_place_back() {
    let (service, seen) = limited(RateLimit::per_second(10).burst(9));
    // While it runs.
    assert!(service.clone().oneshot(millis(50)).now_or_never().is_none());
    assert_eq!(seen.free(), 1);
    // While it waits for its turn, and while it runs after that.
    for stay in [50, 150] {
        let call = service.clone().oneshot(millis(500));
        assert!(timeout(millis(stay), call).await.is_err());
        assert_eq!(seen.free(), 1, "after {stay} ms");
    }
    // While it waits for the service, when its turn has come.
    advance(millis(2000)).await;
    assert_eq!(service.clone().oneshot(AT_ONCE).await, Ok("answer"));
    let mut early = service.clone();
    let early = early.ready().await.unwrap().call(AT_ONCE);
    let busy = tokio::spawn(service.get_ref().clone().oneshot(millis(1000)));
    assert!(timeout(millis(300), early).await.is_err());
    assert_eq!(busy.await.unwrap(), Ok("answer"));
    assert_eq!(seen.free(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_is_the_layers() {
    let layer = layer(RateLimit::per_second(1));
    let first = layer.layer(Probe::new(1));
    let second = layer.clone().layer(Probe::new(1));
    assert_eq!(first.clone().oneshot(AT_ONCE).await, Ok("answer"));
    assert!(second.oneshot(AT_ONCE).await.is_err());
    assert!(first.oneshot(AT_ONCE).await.is_err());
    let counted = Snapshot {
        passed: 1,
        rejected: 2,
        ..Snapshot::default()
    };
    assert_eq!(layer.snapshot(), counted);
}

#[tokio::test(start_paused = true)]
async fn two_layers_with_one_zone_share_its_accounts() {
    let zone = Zone::new("shared", Rate::per_second(1));
    let strict = layer(RateLimit::zone(&zone)).layer(Probe::new(1));
    let lenient = layer(RateLimit::zone(&zone).burst(1).nodelay()).layer(Probe::new(1));
    assert_eq!(strict.clone().oneshot(AT_ONCE).await, Ok("answer"));
    assert_eq!(lenient.clone().oneshot(AT_ONCE).await, Ok("answer"));
    assert!(strict.oneshot(AT_ONCE).await.is_err());
    assert!(lenient.oneshot(AT_ONCE).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_lets_all_through_and_counts() {
    let layer = RateLimitLayer::errors(RateLimit::per_second(10).burst(1)).dry_run(true);
    let layer = layer.build().unwrap();
    let service = layer.layer(Probe::new(1));
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(service.clone().oneshot(AT_ONCE).await, Ok("answer"));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let counted = Snapshot {
        passed: 1,
        delayed: 1,
        rejected: 1,
        ..Snapshot::default()
    };
    assert_eq!(layer.snapshot(), counted);
}

/// Even and odd requests are counted apart, those of no length at all not.
#[tokio::test(start_paused = true)]
async fn keys_come_from_the_request() {
    let limit = RateLimit::per_second(1).key_by(|time: &Duration| match time.as_millis() {
        0 => Key::NONE,
        ms => Key::from(u64::from(ms % 2 == 0)),
    });
    let layer = RateLimitLayer::errors(limit).build().unwrap();
    let service = layer.layer(Probe::new(1));
    let ask = |ms| service.clone().oneshot(millis(ms));
    assert_eq!(ask(1).await, Ok("answer"));
    assert_eq!(ask(2).await, Ok("answer"));
    assert!(ask(3).await.is_err());
    assert!(ask(4).await.is_err());
    for _ in 0..3 {
        assert_eq!(ask(0).await, Ok("answer"));
    }
}

#[tokio::test(start_paused = true)]
async fn several_limits_have_keys_of_their_own() {
    let each =
        RateLimit::per_second(1).key_by(|time: &Duration| Key::from(time.as_millis() as u64));
    let both = RateLimitLayer::errors(each).and(RateLimit::per_second(1).burst(2).nodelay());
    let service = both.build().unwrap().layer(Probe::new(1));
    let ask = |ms| {
        service
            .clone()
            .oneshot(millis(ms))
            .map(|result| result.is_ok())
    };
    assert!(ask(1).await);
    assert!(!ask(1).await, "each");
    assert!(ask(2).await, "the refusal was charged to none");
    assert!(ask(3).await);
    assert!(!ask(4).await, "all");
}

#[test]
fn what_makes_no_sense_is_said_all_at_once() {
    let zone = Zone::with_keys("tiny", Rate::per_second(0), 0);
    let layer = RateLimitLayer::errors(RateLimit::zone(&zone))
        .and(RateLimit::zone(&zone))
        .status(200)
        .build();
    let problems = layer.unwrap_err();
    let problems = problems.problems();
    assert_eq!(problems.len(), 6, "{problems:?}");
    assert!(problems.contains(&"rate limit \"tiny\" is duplicate".to_owned()));
    assert!(problems.contains(&"rate limit status 200: from 400 to 599".to_owned()));
}

/// A future polled by hand.
struct Polled<F: Future> {
    future: std::pin::Pin<Box<F>>,
    woken: Arc<Woken>,
}

struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

fn by_hand<F: Future>(future: F) -> Polled<F> {
    Polled {
        future: Box::pin(future),
        woken: Arc::new(Woken(false.into())),
    }
}

impl<F: Future> Polled<F> {
    fn poll(&mut self) -> Option<F::Output> {
        let waker = Arc::clone(&self.woken).into();
        match self
            .future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
        {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    fn woken(&self) -> bool {
        self.woken.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}
