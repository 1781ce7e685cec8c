//! A store somewhere else, which takes its time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, ServiceExt};
use tower_upstream::limit::rate::{Ask, Local, RateLimit, RateLimitLayer, Store, Taken, Verdict};

use crate::millis;
use crate::world::Probe;

/// Decides as [`Local`] does, and says so after 20 ms; for keys of which nothing is known at once.
#[derive(Clone, Default)]
struct Remote {
    asked: Arc<AtomicUsize>,
}

impl Store for Remote {
    type Later = Pin<Box<dyn Future<Output = Verdict> + Send>>;

    fn take(&self, asks: &[Ask<'_>], now: Instant) -> Taken<Self::Later> {
        self.asked.fetch_add(1, Relaxed);
        let verdict = Local.decide(asks, now);
        Taken::Later(Box::pin(sleep(millis(20)).map(move |()| verdict)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_comes_later_is_kept_to() {
    let store = Remote::default();
    let layer = RateLimitLayer::errors(RateLimit::per_second(10).burst(1)).store(store.clone());
    let probe = Probe::new(1);
    let seen = Arc::clone(&probe.seen);
    let service = layer.build().unwrap().layer(probe);
    let start = Instant::now();
    let calls = (0..3).map(|_| service.clone().oneshot(Duration::ZERO));
    let results = futures_util::future::join_all(calls).await;
    assert_eq!(results[..2], [Ok("answer"), Ok("answer")]);
    assert!(results[2].as_ref().is_err_and(|e| e.refusal().is_some()));
    let took = start.elapsed();
    assert!((millis(120)..millis(125)).contains(&took), "{took:?}");
    assert_eq!((store.asked.load(Relaxed), seen.calls()), (3, 2));
    assert_eq!(seen.free(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_the_verdict_holds_nothing() {
    let layer = RateLimitLayer::errors(RateLimit::per_second(10)).store(Remote::default());
    let layer = layer.build().unwrap();
    let probe = Probe::new(1);
    let seen = Arc::clone(&probe.seen);
    let service = layer.layer(probe);
    assert!(service.oneshot(Duration::ZERO).now_or_never().is_none());
    advance(millis(100)).await;
    assert_eq!((seen.calls(), seen.free()), (0, 1));
    assert_eq!(layer.snapshot(), Default::default(), "nothing became of it");
}
