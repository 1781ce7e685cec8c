use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tower_service::Service;

use super::error::OwnErrors;
use super::future::ResponseFuture;
use super::gate;
use super::handle::Handle;
use super::shared::Shared;
use crate::answer::{Answer, Answers, Reason, Refusal};
use crate::classify::{Classify, Errors};

/// A service that is spared while it fails.
///
/// It decides in `call`. While the circuit is open it is ready at once and leaves the service alone,
/// readiness included; otherwise it is ready when the service is. A service that fails to get ready
/// has failed a call.
pub struct Breaker<S, C = Errors, A = OwnErrors> {
    inner: S,
    /// The service has said that it may be called, and has not been.
    ready: bool,
    shared: Arc<Shared<C>>,
    answers: A,
}

impl<S, C, A> Breaker<S, C, A> {
    pub(super) fn new(inner: S, shared: Arc<Shared<C>>, answers: A) -> Self {
        Self {
            inner,
            ready: false,
            shared,
            answers,
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

impl<S: Clone, C, A: Clone> Clone for Breaker<S, C, A> {
    fn clone(&self) -> Self {
        // What was ready is the original.
        let (inner, answers) = (self.inner.clone(), self.answers.clone());
        Self::new(inner, Arc::clone(&self.shared), answers)
    }
}

impl<S, C, A, Req> Service<Req> for Breaker<S, C, A>
where
    S: Service<Req>,
    C: Classify<S::Response, S::Error>,
    A: Answers<Req>,
    A::Answer: Answer<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = <A::Answer as Answer<S::Response, S::Error>>::Error;
    type Future = ResponseFuture<S::Future, C, A::Answer>;

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
                result.map(drop::<S::Response>).map_err(A::Answer::error)
            }
        })
    }

    fn call(&mut self, request: Req) -> Self::Future {
        if !self.ready {
            // It was open when it was asked, so the service was not: it cannot be called, though the
            // ban may have run out since.
            let refused = self.shared.core.refuse();
            return ResponseFuture::refused(refusal(refused), self.answers.answer(&request));
        }
        match self.shared.admit() {
            Err(refused) => {
                ResponseFuture::refused(refusal(refused), self.answers.answer(&request))
            }
            Ok(call) => {
                self.ready = false;
                ResponseFuture::running(self.inner.call(request), call)
            }
        }
    }
}

/// Without a time where nobody knows it.
fn refusal(refused: gate::Refusal) -> Refusal {
    let refusal = Refusal::new(Reason::Open);
    match refused {
        gate::Refusal::Open { retry_after } => refusal.with_retry_after(retry_after),
        gate::Refusal::Forced => refusal,
    }
}

impl<S: fmt::Debug, C, A> fmt::Debug for Breaker<S, C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("inner", &self.inner)
            .field("ready", &self.ready)
            .field("shared", &self.shared)
            .finish()
    }
}
