use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::error::Error;
use super::gate::Refusal;
use super::shared::Call;
use crate::classify::Classify;

pin_project! {
    /// The answer of a [`Breaker`](super::Breaker). It may be dropped at any moment: the call is then
    /// counted as cancelled, and if it was the probe, another call may be it.
    pub struct ResponseFuture<F, C> {
        #[pin]
        state: State<F, C>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, C> {
        // The service has been called. No call: it has answered.
        Running { #[pin] inner: F, call: Option<Call<C>> },
        // It has not been.
        Refused { refusal: Refusal },
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(super) fn running(inner: F, call: Call<C>) -> Self {
        let call = Some(call);
        Self {
            state: State::Running { inner, call },
        }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self {
            state: State::Refused { refusal },
        }
    }
}

impl<F, C, Res, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Res, E>>,
    C: Classify<Res, E>,
{
    type Output = Result<Res, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Running { inner, call } => {
                let result = ready!(inner.poll(cx));
                if let Some(call) = call.take() {
                    let condition = call.shared.classify.classify(&result);
                    call.settle(condition);
                }
                Poll::Ready(result.map_err(Error::Inner))
            }
            StateProj::Refused { refusal } => Poll::Ready(Err(match *refusal {
                Refusal::Open { retry_after } => Error::Open { retry_after },
                Refusal::Forced => Error::ForcedOpen,
            })),
        }
    }
}

impl<F, C> fmt::Debug for ResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, detail): (_, &dyn fmt::Debug) = match &self.state {
            State::Running { call, .. } => ("Running", call),
            State::Refused { refusal } => ("Refused", refusal),
        };
        f.debug_tuple(state).field(detail).finish()
    }
}
