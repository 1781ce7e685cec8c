use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::future::ResponseFuture;
use super::shared::{Admission, Shared, Snapshot};
use super::sources::KeySet;
use crate::answer::{Answer, Answers};
use crate::clock;
use crate::limit::rate::{Local, Store, Taken};

/// A service that is not asked more often than it may be; what a
/// [`RateLimitLayer`](super::RateLimitLayer) makes.
///
/// It is ready when the inner service is, and decides in `call`. A request that passes at once takes the
/// readiness that was waited for. One that waits or is refused gives it back, and the waiting one gets
/// ready anew when its time has come, so that it holds nobody's place meanwhile.
pub struct RateLimited<S, K, A, T = Local> {
    inner: S,
    shared: Arc<Shared<K, A, T>>,
}

impl<S, K, A, T> RateLimited<S, K, A, T> {
    pub(super) fn new(inner: S, shared: Arc<Shared<K, A, T>>) -> Self {
        Self { inner, shared }
    }

    /// What came of the requests of the layer so far.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.counts.snapshot()
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, K, A, T> Clone for RateLimited<S, K, A, T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S, K, A, T, Req> Service<Req> for RateLimited<S, K, A, T>
where
    S: Service<Req> + Clone,
    K: KeySet<Req>,
    A: Answers<Req>,
    A::Answer: Answer<S::Response, S::Error>,
    T: Store,
{
    type Response = S::Response;
    type Error = <A::Answer as Answer<S::Response, S::Error>>::Error;
    type Future = ResponseFuture<S, Req, K, A, T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(A::Answer::error)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let shared = &self.shared;
        let answer = shared.answers.answer(&request);
        let deadline = shared.answers.deadline(&request);
        let now = clock::now();
        if let Some(refusal) = shared.late(deadline, now) {
            drop(self.unready());
            return ResponseFuture::refused(refusal, answer);
        }
        let admission = match shared.take(&request, now) {
            Taken::Now(verdict) => shared.admission(verdict, deadline, now),
            Taken::Later(later) => {
                let shared = (Arc::clone(shared), deadline);
                let next = (self.unready(), request);
                return ResponseFuture::asking(later, next, answer, shared);
            }
        };
        match admission {
            Admission::Pass { delay, fields } if delay.is_zero() => {
                ResponseFuture::running(self.inner.call(request), answer, fields)
            }
            Admission::Pass { delay, fields } => {
                let inner = self.unready();
                ResponseFuture::waiting(delay, inner, request, answer, fields)
            }
            Admission::Refuse(refusal) => {
                drop(self.unready());
                ResponseFuture::refused(refusal, answer)
            }
        }
    }
}

impl<S: Clone, K, A, T> RateLimited<S, K, A, T> {
    /// A service for later, and what the present one has reserved goes back.
    fn unready(&mut self) -> S {
        let unready = self.inner.clone();
        self.inner = unready.clone();
        unready
    }
}

impl<S: fmt::Debug, K, A, T> fmt::Debug for RateLimited<S, K, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimited")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}
