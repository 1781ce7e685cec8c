use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::future::ResponseFuture;
use super::layer::Rules;
use super::replay::{Cloned, Replay};
use crate::classify::Classify;

/// A service whose failed calls are repeated; what a [`RetryLayer`](super::RetryLayer) makes.
///
/// It is ready when the inner service is, and fails as that does: errors keep their type, and the last
/// attempt's result is the call's. Every attempt is made with a readiness of its own, the first with
/// the one the caller waited for.
///
/// A call that succeeds at once costs, beyond the inner one, what keeping and copying the request
/// costs ([`Cloned`]: one clone), one reading of the clock and one deposit; it allocates nothing of its
/// own. Nor does a retry: the wait is part of the call's future.
#[derive(Debug)]
pub struct Retry<S, C, R = Cloned> {
    inner: S,
    rules: Arc<Rules<C, R>>,
}

impl<S, C, R> Retry<S, C, R> {
    pub(super) fn new(inner: S, rules: Arc<Rules<C, R>>) -> Self {
        Self { inner, rules }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, C, R> Clone for Retry<S, C, R> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.rules))
    }
}

impl<S, C, R, Req> Service<Req> for Retry<S, C, R>
where
    R: Replay<Req>,
    S: Service<R::Attempt> + Clone,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, R, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let unready = self.inner.clone();
        // The service that was polled ready goes with the call; a clone was never ready.
        let ready = std::mem::replace(&mut self.inner, unready);
        ResponseFuture::new(ready, Arc::clone(&self.rules), request)
    }
}
