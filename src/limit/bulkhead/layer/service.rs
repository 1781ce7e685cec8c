use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::classes::{Alike, Classes};
use super::future::ResponseFuture;
use super::shared::{Admission, Shared};
use super::snapshot::Handle;
use super::traffic::Traffic;
use crate::limit::{Everyone, Keys};

/// A service that serves no more at once than it may; what a [`BulkheadLayer`](super::BulkheadLayer)
/// makes.
///
/// It is ready when the service behind is, and decides in `call`: whoever is ready and does not call
/// holds nothing. A request that is served at once takes the readiness that was waited for. One that
/// waits or is refused gives it back, and the waiting one gets ready anew when its turn has come.
pub struct Bulkhead<S, T, K = Everyone, P = Alike> {
    inner: S,
    shared: Arc<Shared<T, K, P>>,
}

impl<S, T, K, P> Bulkhead<S, T, K, P> {
    pub(super) fn new(inner: S, shared: Arc<Shared<T, K, P>>) -> Self {
        Self { inner, shared }
    }

    /// The bulkhead's gauge.
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

impl<S: Clone, T, K, P> Bulkhead<S, T, K, P> {
    /// A service for later, and what the present one has reserved goes back.
    fn unready(&mut self) -> S {
        let unready = self.inner.clone();
        self.inner = unready.clone();
        unready
    }
}

impl<S: Clone, T, K, P> Clone for Bulkhead<S, T, K, P> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S, T, K, P, Req> Service<Req> for Bulkhead<S, T, K, P>
where
    S: Service<Req> + Clone,
    T: Traffic<Req, S::Response, S::Error>,
    K: Keys<Req>,
    P: Classes<Req>,
{
    type Response = T::Response;
    type Error = T::Error;
    type Future = ResponseFuture<S, Req, T, T::Answer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(T::error)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let traffic = Arc::clone(&self.shared.traffic);
        let answer = traffic.answer(&request);
        match self.shared.admit(&request) {
            Admission::Serve(permit) => {
                let inner = self.inner.call(request);
                ResponseFuture::running(inner, permit, answer, traffic)
            }
            Admission::Wait(place) => {
                let next = (self.unready(), request);
                let status = self.shared.status;
                ResponseFuture::waiting(place, next, status, answer, traffic)
            }
            Admission::Refuse(reason) => {
                drop(self.unready());
                let refusal = self.shared.refusal(reason);
                ResponseFuture::refused(refusal, answer, traffic)
            }
        }
    }
}

impl<S: fmt::Debug, T, K, P> fmt::Debug for Bulkhead<S, T, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}
