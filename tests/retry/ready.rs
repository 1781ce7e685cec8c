//! Readiness: every attempt has its own, and nothing is kept when a call is given up.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, advance, timeout};
use tokio_util::sync::PollSemaphore;
use tower::{Service, ServiceExt};
use tower_layer::Layer;
use tower_upstream::classify::Condition;
use tower_upstream::retry::{Backoff, RetryLayer};

#[derive(Default)]
struct Seen {
    polls: AtomicUsize,
    calls: AtomicUsize,
    /// What happens, last first.
    script: Mutex<Vec<Step>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Fail,
    Answer,
    Hang,
    NotReady,
}

/// A service that holds a permit from being ready to the end of its answer, panics when it is called
/// without one, and whose clones start without, as tower's own limits do.
struct Probe {
    permits: PollSemaphore,
    permit: Option<OwnedSemaphorePermit>,
    seen: Arc<Seen>,
}

impl Probe {
    fn new(permits: usize, mut script: Vec<Step>) -> (Self, Arc<Seen>, Arc<Semaphore>) {
        script.reverse();
        let semaphore = Arc::new(Semaphore::new(permits));
        let seen = Arc::new(Seen {
            script: Mutex::new(script),
            ..Seen::default()
        });
        let probe = Self {
            permits: PollSemaphore::new(Arc::clone(&semaphore)),
            permit: None,
            seen: Arc::clone(&seen),
        };
        (probe, seen, semaphore)
    }

    fn step(&self) -> Option<Step> {
        self.seen.script.lock().unwrap().pop()
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self {
            permits: self.permits.clone(),
            permit: None,
            seen: Arc::clone(&self.seen),
        }
    }
}

#[derive(Debug)]
struct Answer {
    good: bool,
    _permit: OwnedSemaphorePermit,
}

impl Service<()> for Probe {
    type Response = Answer;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, &'static str>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.seen.polls.fetch_add(1, Relaxed);
        if self.seen.script.lock().unwrap().last() == Some(&Step::NotReady) {
            self.step();
            return Poll::Ready(Err("not ready"));
        }
        if self.permit.is_none() {
            let Some(permit) = std::task::ready!(self.permits.poll_acquire(cx)) else {
                return Poll::Ready(Err("closed"));
            };
            self.permit = Some(permit);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let permit = self.permit.take().expect("called without being ready");
        self.seen.calls.fetch_add(1, Relaxed);
        let step = self.step();
        Box::pin(async move {
            if step == Some(Step::Hang) {
                let _held = permit;
                return pending().await;
            }
            Ok(Answer {
                good: step == Some(Step::Answer),
                _permit: permit,
            })
        })
    }
}

type Judge = fn(&Result<Answer, &'static str>) -> Condition;

fn layer() -> RetryLayer<Judge> {
    RetryLayer::new(|result| match result {
        Ok(answer) if answer.good => Condition::Served,
        _ => Condition::Error,
    })
}

/// A single permit: the answer that is repeated has to be let go of before the next attempt waits for
/// its place, or it waits for itself.
#[tokio::test(start_paused = true)]
async fn every_attempt_is_made_ready_anew_on_the_service_that_was_called() {
    let (probe, seen, permits) = Probe::new(1, vec![Step::Fail, Step::Fail, Step::Answer]);
    let mut service = layer().layer(probe);
    for _ in 0..3 {
        service.ready().await.unwrap();
    }
    let answer = timeout(Duration::from_secs(9), service.call(()))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.good);
    assert_eq!(seen.calls.load(Relaxed), 3);
    // Three by the caller, and one for each attempt after the first.
    assert_eq!(seen.polls.load(Relaxed), 3 + 2);
    assert_eq!(permits.available_permits(), 0);
    drop(answer);
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_when_the_inner_service_is() {
    let (probe, _, permits) = Probe::new(1, vec![Step::Answer]);
    let taken = Arc::clone(&permits).try_acquire_owned().unwrap();
    let mut service = layer().layer(probe);
    assert!(service.ready().now_or_never().is_none());
    drop(taken);
    assert!(service.ready().now_or_never().is_some());
    // A clone has nothing of what was reserved, and a service dropped gives it back.
    assert!(service.clone().ready().now_or_never().is_none());
    drop(service);
    assert_eq!(permits.available_permits(), 1);
}

/// An attempt that cannot begin is no attempt: its error is the call's.
#[tokio::test(start_paused = true)]
async fn an_error_of_readiness_ends_the_call_as_it_is() {
    let (probe, seen, _) = Probe::new(1, vec![Step::Fail, Step::NotReady, Step::Answer]);
    let result = layer().layer(probe).oneshot(()).await;
    assert_eq!(result.unwrap_err(), "not ready");
    assert_eq!(seen.calls.load(Relaxed), 1);
}

/// Dropped at each of its awaits, a call leaves nothing held, nothing waiting and no task.
#[tokio::test(start_paused = true)]
async fn a_call_given_up_anywhere_gives_everything_back() {
    let backoff = Backoff {
        base: Duration::from_secs(3600),
        cap: Duration::from_secs(3600),
    };
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();

    // In the first attempt, in the second, in the wait between them.
    for (script, backoff, calls) in [
        (vec![Step::Hang], Backoff::default(), 1),
        (vec![Step::Fail, Step::Hang], Backoff::default(), 2),
        (vec![Step::Fail, Step::Answer], backoff, 1),
    ] {
        let (probe, seen, permits) = Probe::new(1, script);
        let call = layer().seed(1).backoff(backoff).layer(probe).oneshot(());
        assert!(timeout(Duration::from_secs(1), call).await.is_err());
        assert_eq!(seen.calls.load(Relaxed), calls);
        assert_eq!(permits.available_permits(), 1);
        advance(Duration::from_secs(7200)).await;
        assert_eq!(seen.calls.load(Relaxed), calls);
    }

    // While it waits for its place.
    let (probe, seen, permits) = Probe::new(1, vec![Step::Fail, Step::Answer]);
    let mut service = layer().layer(probe);
    let call = service.ready().await.unwrap().call(());
    let mut call = Box::pin(call);
    assert!(call.as_mut().now_or_never().is_none());
    let taken = Arc::clone(&permits).try_acquire_owned().unwrap();
    advance(Duration::from_secs(1)).await;
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(
        seen.polls.load(Relaxed),
        2,
        "by the caller, and after the wait"
    );
    drop(call);
    drop(taken);
    assert_eq!(permits.available_permits(), 1);
    assert_eq!(seen.calls.load(Relaxed), 1);

    assert_eq!(
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        tasks
    );
}

/// A layer in front that limits calls holds its place for all attempts; one behind for each.
#[tokio::test(start_paused = true)]
async fn towers_own_limit_works_on_either_side() {
    let (probe, seen, _) = Probe::new(9, vec![Step::Fail, Step::Answer]);
    let behind = layer().layer(tower::limit::ConcurrencyLimit::new(probe, 1));
    assert!(
        timeout(Duration::from_secs(9), behind.oneshot(()))
            .await
            .unwrap()
            .unwrap()
            .good
    );
    assert_eq!(seen.calls.load(Relaxed), 2);
    let (probe, seen, _) = Probe::new(9, vec![Step::Fail, Step::Answer]);
    let front = tower::limit::ConcurrencyLimit::new(layer().layer(probe), 1);
    assert!(
        timeout(Duration::from_secs(9), front.oneshot(()))
            .await
            .unwrap()
            .unwrap()
            .good
    );
    assert_eq!(seen.calls.load(Relaxed), 2);
}
