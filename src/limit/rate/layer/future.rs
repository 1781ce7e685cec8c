use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};
use tower_service::Service;

use super::shared::{Admission, Shared};
use crate::answer::{Answer, Answers, Field, Refusal};
use crate::clock;
use crate::limit::rate::Store;
use crate::timeout::Deadline;

pin_project! {
    /// The answer of a [`RateLimited`](super::RateLimited). It may be dropped at any moment; a request
    /// that was let through stays charged, also while it waits for its turn, as in NGINX.
    pub struct ResponseFuture<S, Req, K, A, T>
    where
        S: Service<Req>,
        A: Answers<Req>,
        T: Store,
    {
        #[pin]
        state: State<S::Future, T::Later>,
        // What comes after a wait.
        next: Option<(S, Req)>,
        answer: Option<A::Answer>,
        // For the service's answer.
        fields: Vec<Field>,
        // Only while a store is asked.
        asking: Option<(Arc<Shared<K, A, T>>, Option<Deadline>)>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, L> {
        // The service has been called.
        Running { #[pin] inner: F },
        // A store somewhere else is asked.
        Asking { #[pin] later: L },
        // It is not its turn yet.
        Waiting { #[pin] sleep: Sleep },
        // It is; the service is waited for.
        Ready,
        Refused { refusal: Option<Refusal> },
    }
}

impl<S, Req, K, A, T> ResponseFuture<S, Req, K, A, T>
where
    S: Service<Req>,
    A: Answers<Req>,
    T: Store,
{
    fn new(state: State<S::Future, T::Later>, answer: A::Answer) -> Self {
        Self {
            state,
            next: None,
            answer: Some(answer),
            fields: Vec::new(),
            asking: None,
        }
    }

    pub(super) fn running(inner: S::Future, answer: A::Answer, fields: Vec<Field>) -> Self {
        Self {
            fields,
            ..Self::new(State::Running { inner }, answer)
        }
    }

    pub(super) fn waiting(
        delay: Duration,
        service: S,
        request: Req,
        answer: A::Answer,
        fields: Vec<Field>,
    ) -> Self {
        Self {
            next: Some((service, request)),
            fields,
            ..Self::new(wait(delay), answer)
        }
    }

    pub(super) fn refused(refusal: Refusal, answer: A::Answer) -> Self {
        let refusal = Some(refusal);
        Self::new(State::Refused { refusal }, answer)
    }

    pub(super) fn asking(
        later: T::Later,
        next: (S, Req),
        answer: A::Answer,
        asking: (Arc<Shared<K, A, T>>, Option<Deadline>),
    ) -> Self {
        Self {
            next: Some(next),
            asking: Some(asking),
            ..Self::new(State::Asking { later }, answer)
        }
    }
}

fn wait<F, L>(delay: Duration) -> State<F, L> {
    // A timer would make a millisecond out of nothing.
    match delay.is_zero() {
        true => State::Ready,
        false => State::Waiting {
            sleep: sleep_until(clock::after(clock::now(), delay)),
        },
    }
}

impl<S, Req, K, A, T> Future for ResponseFuture<S, Req, K, A, T>
where
    S: Service<Req>,
    A: Answers<Req>,
    A::Answer: Answer<S::Response, S::Error>,
    T: Store,
{
    type Output = Result<S::Response, <A::Answer as Answer<S::Response, S::Error>>::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const OVER: &str = "polled after it was ready";
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Running { inner } => {
                    let mut result = ready!(inner.poll(cx));
                    let told = this.answer.as_ref().filter(|_| !this.fields.is_empty());
                    if let (Ok(response), Some(answer)) = (&mut result, told) {
                        answer.annotate(response, std::mem::take(this.fields));
                    }
                    return Poll::Ready(result.map_err(A::Answer::error));
                }
                StateProj::Asking { later } => {
                    let verdict = ready!(later.poll(cx));
                    let (shared, deadline) = this.asking.take().expect(OVER);
                    match shared.admission(verdict, deadline, clock::now()) {
                        Admission::Pass { delay, fields } => {
                            *this.fields = fields;
                            wait(delay)
                        }
                        Admission::Refuse(refusal) => {
                            let refusal = Some(refusal);
                            State::Refused { refusal }
                        }
                    }
                }
                StateProj::Waiting { sleep } => {
                    ready!(sleep.poll(cx));
                    State::Ready
                }
                StateProj::Ready => {
                    let (service, _) = this.next.as_mut().expect(OVER);
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        *this.next = None;
                        return Poll::Ready(Err(A::Answer::error(error)));
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
                    return Poll::Ready(answer.refuse(refusal));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, Req, K, A, T> fmt::Debug for ResponseFuture<S, Req, K, A, T>
where
    S: Service<Req>,
    A: Answers<Req>,
    T: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Running { .. } => "Running",
            State::Asking { .. } => "Asking",
            State::Waiting { .. } => "Waiting",
            State::Ready => "Ready",
            State::Refused { .. } => "Refused",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
