//! Services that say what was done to them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use tokio::time::{Instant, Sleep};
use tower_service::Service;
use tower_upstream::timeout::Deadline;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What was done to a service and its clones.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) calls: AtomicUsize,
    pub(crate) polls: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
}

impl Seen {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// Answers after a time, or at once; with what it was asked to carry. It insists on being asked whether
/// it is ready, once for every call.
pub(crate) struct Slow {
    pub(crate) seen: Arc<Seen>,
    pub(crate) takes: Option<Duration>,
    ready: bool,
}

impl Slow {
    pub(crate) fn new(takes: Option<Duration>) -> Self {
        Self {
            seen: Arc::default(),
            takes,
            ready: false,
        }
    }
}

impl Clone for Slow {
    fn clone(&self) -> Self {
        Self {
            seen: Arc::clone(&self.seen),
            takes: self.takes,
            // Readiness is the original's.
            ready: false,
        }
    }
}

impl Service<Request<Body>> for Slow {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Working;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Working {
        assert!(std::mem::take(&mut self.ready), "it was never ready");
        self.seen.calls.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(Body::from("done"));
        if let Some(deadline) = request.extensions().get::<Deadline>() {
            response.extensions_mut().insert(*deadline);
        }
        Working {
            sleep: self.takes.map(|takes| Box::pin(tokio::time::sleep(takes))),
            response: Some(response),
            seen: Arc::clone(&self.seen),
            over: AtomicBool::new(false),
        }
    }
}

pub(crate) struct Working {
    sleep: Option<Pin<Box<Sleep>>>,
    response: Option<Response<Body>>,
    seen: Arc<Seen>,
    over: AtomicBool,
}

impl Future for Working {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.seen.polls.fetch_add(1, Ordering::SeqCst);
        if let Some(sleep) = &mut self.sleep {
            std::task::ready!(sleep.as_mut().poll(cx));
        }
        self.over.store(true, Ordering::SeqCst);
        Poll::Ready(Ok(self.response.take().expect("polled after it was ready")))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if !*self.over.get_mut() {
            self.seen.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

pub(crate) fn get() -> Request<Body> {
    Request::get("/").body(Body::empty()).unwrap()
}

pub(crate) fn told(name: &str, value: &str) -> Request<Body> {
    let request = Request::get("/").header(name, value);
    request.body(Body::empty()).unwrap()
}

/// How long something took on the test's clock.
pub(crate) async fn timed<F: Future>(work: F) -> (F::Output, Duration) {
    let begun = Instant::now();
    let output = work.await;
    (output, begun.elapsed())
}
