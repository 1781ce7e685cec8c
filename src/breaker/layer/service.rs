use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tower_service::Service;

use super::error::Error;
use super::future::ResponseFuture;
use super::handle::Handle;
use super::shared::Shared;
use crate::classify::{Classify, Errors};

/// A service that is spared while it fails.
///
/// It decides in `call`. While the circuit is open it is ready at once and leaves the service alone,
/// readiness included; otherwise it is ready when the service is. A service that fails to get ready
/// has failed a call.
pub struct Breaker<S, C = Errors> {
    inner: S,
    /// The service has said that it may be called, and has not been.
    ready: bool,
    shared: Arc<Shared<C>>,
}

impl<S, C> Breaker<S, C> {
    pub(super) fn new(inner: S, shared: Arc<Shared<C>>) -> Self {
        Self {
            inner,
            ready: false,
            shared,
        }
    }

    /// The circuit's switch and gauge.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared.core))
    }

    /// The service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, C> Clone for Breaker<S, C> {
    fn clone(&self) -> Self {
        // What was ready is the original.
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S, C, Req> Service<Req> for Breaker<S, C>
where
    S: Service<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.shared.core.refuses() {
            return Poll::Ready(Ok(()));
        }
        self.ready = false;
        Poll::Ready(match ready!(self.inner.poll_ready(cx)) {
            Ok(()) => {
                self.ready = true;
                Ok(())
            }
            Err(error) => {
                let result = Err(error);
                self.shared
                    .core
                    .unready(self.shared.classify.classify(&result));
                result.map(drop::<S::Response>).map_err(Error::Inner)
            }
        })
    }

    fn call(&mut self, request: Req) -> Self::Future {
        if !self.ready {
            // It was open when it was asked, so the service was not: it cannot be called, though the
            // ban may have run out since.
            return ResponseFuture::refused(self.shared.core.refuse());
        }
        match self.shared.admit() {
            Err(refusal) => ResponseFuture::refused(refusal),
            Ok(call) => {
                self.ready = false;
                ResponseFuture::running(self.inner.call(request), call)
            }
        }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Breaker<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("inner", &self.inner)
            .field("ready", &self.ready)
            .field("shared", &self.shared)
            .finish()
    }
}
