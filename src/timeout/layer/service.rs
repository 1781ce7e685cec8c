use std::task::{Context, Poll};

use tower_service::Service;

use super::super::{Deadline, current};
use super::{Called, Limits, ResponseFuture, Traffic};
use crate::clock;

/// A service whose answers come in time or not at all.
///
/// Ready when the service behind is. A request whose time is over when it comes is answered without
/// that service; it stays ready for the next one.
#[derive(Clone, Debug)]
pub struct Timeout<S, T> {
    inner: S,
    limits: Limits,
    traffic: T,
}

impl<S, T> Timeout<S, T> {
    pub(super) fn new(inner: S, limits: Limits, traffic: T) -> Self {
        Self {
            inner,
            limits,
            traffic,
        }
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

impl<S, T, Req> Service<Req> for Timeout<S, T>
where
    S: Service<Req>,
    T: Traffic<Req, Call: Called<S::Response, S::Error>>,
{
    type Response = <T::Call as Called<S::Response, S::Error>>::Response;
    type Error = <T::Call as Called<S::Response, S::Error>>::Error;
    type Future = ResponseFuture<S::Future, T::Call>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(T::Call::error)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let now = clock::now();
        let carried = self.traffic.carried(&request, now);
        let carried = Deadline::either(carried, Deadline::current());
        let limit = self.limits.of(carried, now);
        let call = self.traffic.call(&request);
        if limit.is_over_at(now) {
            return ResponseFuture::late(call, limit);
        }
        if let Some(deadline) = limit.deadline {
            self.traffic.carry(&mut request, deadline);
        }
        let _entered = current::enter(limit.deadline);
        ResponseFuture::running(self.inner.call(request), call, limit)
    }
}
