use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::error::OwnErrors;
use super::shared::Call;
use crate::answer::{Answer, Refusal};
use crate::classify::Classify;

pin_project! {
    /// The answer of a [`Breaker`](super::Breaker). It may be dropped at any moment: the call is then
    /// counted as cancelled, and if it was the probe, another call may be it.
    pub struct ResponseFuture<F, C, A = OwnErrors> {
        #[pin]
        state: State<F, C, A>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, C, A> {
        // The service has been called. No call: it has answered.
        Running { #[pin] inner: F, call: Option<Call<C>> },
        // It has not been.
        Refused { refused: Option<(Refusal, A)> },
    }
}

impl<F, C, A> ResponseFuture<F, C, A> {
    pub(super) fn running(inner: F, call: Call<C>) -> Self {
        let call = Some(call);
        Self {
            state: State::Running { inner, call },
        }
    }

    pub(super) fn refused(refusal: Refusal, answer: A) -> Self {
        let refused = Some((refusal, answer));
        Self {
            state: State::Refused { refused },
        }
    }
}

impl<F, C, A, Res, E> Future for ResponseFuture<F, C, A>
where
    F: Future<Output = Result<Res, E>>,
    C: Classify<Res, E>,
    A: Answer<Res, E>,
{
    type Output = Result<Res, A::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Running { inner, call } => {
                let result = ready!(inner.poll(cx));
                if let Some(call) = call.take() {
                    let condition = call.shared.classify.classify(&result);
                    call.settle(condition);
                }
                Poll::Ready(result.map_err(A::error))
            }
            StateProj::Refused { refused } => {
                let (refusal, answer) = refused.take().expect("polled after it was ready");
                Poll::Ready(answer.refuse(refusal))
            }
        }
    }
}

impl<F, C, A> fmt::Debug for ResponseFuture<F, C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, detail): (_, &dyn fmt::Debug) = match &self.state {
            State::Running { call, .. } => ("Running", call),
            State::Refused {
                refused: Some((refusal, _)),
            } => ("Refused", refusal),
            State::Refused { refused: None } => ("Refused", &()),
        };
        f.debug_tuple(state).field(detail).finish()
    }
}
