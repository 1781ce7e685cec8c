//! A service that does as each request says, and callers of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt};
use tower_upstream::breaker::{Breaker, BreakerLayer, Consecutive, Error, Handle, Snapshot, State};

use crate::{millis, seconds};

/// What a request asks the service to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Do {
    Answer,
    Fail,
    /// Neither, for ever.
    Hang,
    AnswerAfter(Duration),
    FailAfter(Duration),
    /// When polled.
    Panic,
    /// When called.
    PanicAtOnce,
}

pub(crate) type Reply = Result<&'static str, &'static str>;

/// Counts what reaches it. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    pub(crate) calls: Arc<AtomicU64>,
    pub(crate) ready_polls: Arc<AtomicU64>,
}

impl Service<Do> for Backend {
    type Response = &'static str;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.ready_polls.fetch_add(1, Relaxed);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, what: Do) -> Self::Future {
        self.calls.fetch_add(1, Relaxed);
        assert!(!matches!(what, Do::PanicAtOnce), "as told");
        Box::pin(async move {
            match what {
                Do::Answer => Ok("answer"),
                Do::Fail => Err("failed"),
                Do::Hang => std::future::pending().await,
                Do::AnswerAfter(time) => {
                    sleep(time).await;
                    Ok("late answer")
                }
                Do::FailAfter(time) => {
                    sleep(time).await;
                    Err("failed late")
                }
                Do::Panic | Do::PanicAtOnce => panic!("as told"),
            }
        })
    }
}

/// A breaker that opens for 10 s after five failures in a row, and its backend.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) breaker: Breaker<Backend>,
    pub(crate) handle: Handle,
    pub(crate) backend: Backend,
}

pub(crate) type Answer = Result<&'static str, Error<&'static str>>;

impl World {
    pub(crate) fn new() -> Self {
        Self::under(&BreakerLayer::new())
    }

    pub(crate) fn under(layer: &BreakerLayer) -> Self {
        let backend = Backend::default();
        Self {
            breaker: layer.layer(backend.clone()),
            handle: layer.handle(),
            backend,
        }
    }

    /// One caller with a clone of its own.
    pub(crate) fn ask(&self, what: Do) -> impl Future<Output = Answer> + Send + 'static {
        self.breaker.clone().oneshot(what)
    }

    /// A call that is on its way when this returns.
    pub(crate) async fn start(&self, what: Do) -> JoinHandle<Answer> {
        let call = tokio::spawn(self.ask(what));
        yield_now().await;
        call
    }

    pub(crate) async fn fail(&self, times: usize) {
        for _ in 0..times {
            assert_eq!(self.ask(Do::Fail).await, Err(Error::Inner("failed")));
        }
    }

    /// Open, with nobody in flight.
    pub(crate) async fn tripped() -> Self {
        let world = Self::new();
        world.fail(5).await;
        assert_eq!(world.state(), State::Open);
        world
    }

    pub(crate) fn state(&self) -> State {
        self.seen().state
    }

    /// The snapshot, which adds up.
    pub(crate) fn seen(&self) -> Snapshot {
        let seen = self.handle.snapshot();
        let ended = seen.successes + seen.failures + seen.neutral + seen.cancelled;
        assert_eq!(seen.admitted, ended + seen.in_flight, "{seen:?}");
        seen
    }

    pub(crate) fn calls(&self) -> u64 {
        self.backend.calls.load(Relaxed)
    }
}

/// Lets time pass, without a call.
pub(crate) async fn pass(time: Duration) {
    // Past the timers of that moment.
    sleep(time + millis(1)).await;
}

pub(crate) fn open(after: u64) -> Answer {
    Err(Error::Open {
        retry_after: seconds(after),
    })
}

pub(crate) fn consecutive(failures: u32) -> Consecutive {
    Consecutive {
        failures,
        ..Consecutive::default()
    }
}
