use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::permit::{Permit, Place};
use super::shared::refusal;
use super::traffic::Traffic;
use crate::answer::Refusal;

pin_project! {
    /// The answer of a [`Bulkhead`](super::Bulkhead). It may be dropped at any moment: a place that is
    /// taken is free again, a turn that has come goes to the next, and so does the place in the line.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, T, A>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S::Future>,
        // Of a call being made: dropped with it.
        permit: Option<Permit>,
        // What comes after a wait.
        next: Option<(S, Req)>,
        answer: Option<A>,
        traffic: Arc<T>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // The service has been called.
        Running { #[pin] inner: F },
        // It is not its turn yet.
        Waiting { place: Box<Place>, status: Option<u16> },
        // It is; the service is waited for.
        Ready,
        Refused { refusal: Option<Refusal> },
        // It has been answered.
        Over,
    }
}

impl<S, Req, T, A> ResponseFuture<S, Req, T, A>
where
    S: Service<Req>,
{
    fn new(state: State<S::Future>, answer: A, traffic: Arc<T>) -> Self {
        Self {
            state,
            permit: None,
            next: None,
            answer: Some(answer),
            traffic,
        }
    }

    pub(super) fn running(inner: S::Future, permit: Permit, answer: A, traffic: Arc<T>) -> Self {
        Self {
            permit: Some(permit),
            ..Self::new(State::Running { inner }, answer, traffic)
        }
    }

    pub(super) fn waiting(
        place: Box<Place>,
        next: (S, Req),
        status: Option<u16>,
        answer: A,
        traffic: Arc<T>,
    ) -> Self {
        Self {
            next: Some(next),
            ..Self::new(State::Waiting { place, status }, answer, traffic)
        }
    }

    pub(super) fn refused(refusal: Refusal, answer: A, traffic: Arc<T>) -> Self {
        let refusal = Some(refusal);
        Self::new(State::Refused { refusal }, answer, traffic)
    }
}

impl<S, Req, T> Future for ResponseFuture<S, Req, T, T::Answer>
where
    S: Service<Req>,
    T: Traffic<Req, S::Response, S::Error>,
{
    type Output = Result<T::Response, T::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const OVER: &str = "polled after it was ready";
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Running { inner } => {
                    let result = ready!(inner.poll(cx));
                    let permit = this.permit.take().expect(OVER);
                    permit.ended(|| this.traffic.ended(&result));
                    // What the service still holds goes before the place does.
                    this.state.set(State::Over);
                    return Poll::Ready(match result {
                        Ok(response) => Ok(this.traffic.respond(response, permit)),
                        Err(error) => Err(T::error(error)),
                    });
                }
                StateProj::Waiting { place, status } => match ready!(place.poll(cx)) {
                    Ok(permit) => {
                        *this.permit = Some(permit);
                        State::Ready
                    }
                    Err(reason) => {
                        let refusal = Some(refusal(reason, *status));
                        State::Refused { refusal }
                    }
                },
                StateProj::Ready => {
                    let (service, _) = this.next.as_mut().expect(OVER);
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        *this.next = None;
                        *this.permit = None;
                        return Poll::Ready(Err(T::error(error)));
                    }
                    let (mut service, request) = this.next.take().expect(OVER);
                    State::Running {
                        inner: service.call(request),
                    }
                }
                StateProj::Refused { refusal } => {
                    // Nothing is kept for a caller who is told no.
                    *this.next = None;
                    let (refusal, answer) = (refusal.take(), this.answer.take());
                    let (refusal, answer) = refusal.zip(answer).expect(OVER);
                    return Poll::Ready(T::refuse(answer, refusal));
                }
                StateProj::Over => panic!("{OVER}"),
            };
            this.state.set(next);
        }
    }
}

impl<S, Req, T, A> fmt::Debug for ResponseFuture<S, Req, T, A>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Running { .. } => "Running",
            State::Waiting { .. } => "Waiting",
            State::Ready => "Ready",
            State::Refused { .. } => "Refused",
            State::Over => "Over",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
