//! A service that takes as long as each request says, and counts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt};
use tower_upstream::answer::{Error, Errors, Reason};
use tower_upstream::classify;
use tower_upstream::limit::Keys;
use tower_upstream::limit::bulkhead::{Alike, Builder, Bulkhead, Calls, Classes, Handle, Snapshot};

/// What is asked of the service, by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) who: &'static str,
    pub(crate) takes: Duration,
    pub(crate) ends: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Well,
    Badly,
    InPanic,
}

pub(crate) fn ask(who: &'static str, takes: u64) -> Ask {
    Ask {
        who,
        takes: Duration::from_millis(takes),
        ends: End::Well,
    }
}

pub(crate) type Answer = Result<&'static str, Error<&'static str>>;

/// Counts what reaches it; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    pub(crate) calls: Arc<AtomicU64>,
    pub(crate) now: Arc<AtomicU64>,
    pub(crate) most: Arc<AtomicU64>,
    /// This very one has been asked whether it is ready.
    ready: bool,
}

struct Busy(Arc<AtomicU64>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Service<Ask> for Backend {
    type Response = &'static str;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<&'static str, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called without being ready"
        );
        self.calls.fetch_add(1, Relaxed);
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(now, Relaxed);
        let busy = Busy(Arc::clone(&self.now));
        Box::pin(async move {
            let _busy = busy;
            sleep(ask.takes).await;
            match ask.ends {
                End::Well => Ok(ask.who),
                End::Badly => Err("failed"),
                End::InPanic => panic!("as told"),
            }
        })
    }
}

type Traffic = Calls<Errors, classify::Errors>;

/// A bulkhead and its backend.
#[derive(Debug)]
pub(crate) struct World<K, P> {
    pub(crate) service: Bulkhead<Backend, Traffic, K, P>,
    pub(crate) backend: Backend,
    pub(crate) handle: Handle,
}

pub(crate) type Plain = World<tower_upstream::limit::Everyone, Alike>;

impl<K, P> World<K, P>
where
    K: Keys<Ask> + Send + Sync + 'static,
    P: Classes<Ask> + Send + Sync + 'static,
{
    pub(crate) fn new(builder: Builder<Traffic, K, P>) -> Self {
        let layer = builder.build().unwrap();
        let backend = Backend::default();
        Self {
            service: layer.layer(backend.clone()),
            backend,
            handle: layer.handle(),
        }
    }

    /// One caller with a clone of its own.
    pub(crate) fn ask(&self, ask: Ask) -> impl Future<Output = Answer> + Send + use<K, P> {
        self.service.clone().oneshot(ask)
    }

    /// A call that is on its way when this returns.
    pub(crate) async fn start(&self, ask: Ask) -> JoinHandle<Answer> {
        let call = tokio::spawn(self.ask(ask));
        yield_now().await;
        call
    }

    pub(crate) fn calls(&self) -> u64 {
        self.backend.calls.load(Relaxed)
    }

    pub(crate) fn most(&self) -> u64 {
        self.backend.most.load(Relaxed)
    }

    pub(crate) fn seen(&self) -> Snapshot {
        self.handle.snapshot()
    }

    /// Served and waiting.
    pub(crate) fn now(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.in_flight, seen.waiting)
    }
}

pub(crate) fn reason(answer: Answer) -> Reason {
    match answer {
        Err(Error::Refused(refusal)) => refusal.reason(),
        other => panic!("not refused: {other:?}"),
    }
}
