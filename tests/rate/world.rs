//! A service that counts what reaches it, and holds a place from being ready to the end of a call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;
use tower::Service;

/// Clones count together, and start without a place, as those of Tower's own limits do.
pub(crate) struct Probe {
    places: PollSemaphore,
    place: Option<OwnedSemaphorePermit>,
    pub(crate) seen: Arc<Seen>,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) polls: AtomicUsize,
    pub(crate) calls: AtomicUsize,
    pub(crate) places: Option<Arc<Semaphore>>,
}

impl Seen {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Relaxed)
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Relaxed)
    }

    pub(crate) fn free(&self) -> usize {
        self.places.as_ref().map_or(0, |p| p.available_permits())
    }
}

impl Probe {
    pub(crate) fn new(places: usize) -> Self {
        let semaphore = Arc::new(Semaphore::new(places));
        Self {
            places: PollSemaphore::new(Arc::clone(&semaphore)),
            place: None,
            seen: Arc::new(Seen {
                places: Some(semaphore),
                ..Seen::default()
            }),
        }
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self {
            places: self.places.clone(),
            place: None,
            seen: Arc::clone(&self.seen),
        }
    }
}

/// Answers after so long.
impl Service<Duration> for Probe {
    type Response = &'static str;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<&'static str, &'static str>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.seen.polls.fetch_add(1, Relaxed);
        if self.place.is_none() {
            let Some(place) = ready!(self.places.poll_acquire(cx)) else {
                return Poll::Ready(Err("closed"));
            };
            self.place = Some(place);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, time: Duration) -> Self::Future {
        let place = self.place.take().expect("called without being ready");
        self.seen.calls.fetch_add(1, Relaxed);
        Box::pin(async move {
            let _held = place;
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
            Ok("answer")
        })
    }
}
