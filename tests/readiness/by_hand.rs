//! Futures polled by hand, and how often they asked to be.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::advance;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

pub(crate) struct ByHand<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> ByHand<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Box::pin(future),
            wakes: Arc::default(),
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(SeqCst)
    }

    /// The rest of it, polled when it asks for it and not else, while time passes.
    pub(crate) async fn finish(mut self) -> F::Output {
        let mut heard = usize::MAX;
        for _ in 0..100_000 {
            if std::mem::replace(&mut heard, self.wakes()) != self.wakes() {
                if let Poll::Ready(output) = self.poll() {
                    return output;
                }
            }
            advance(Duration::from_millis(10)).await;
        }
        panic!("it never ends, or is never woken");
    }
}
