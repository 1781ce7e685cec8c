use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_service::Service;

use super::call::{Call, Next};
use super::engine::Inner;
use super::rules::Rules;
use crate::clock;
use crate::error::{Error, ErrorKind};

pin_project! {
    /// A request on its way, possibly through several peers.
    ///
    /// Dropping it abandons the running attempts; their slots and probes come back at once.
    pub struct ResponseFuture<S, R, Req>
    where
        R: Rules<Req>,
        S: Service<R::Attempt>,
    {
        call: Call<S, R, Req>,
        // Only when the whole request is limited: the one allocation such a call costs.
        deadline: Option<Pin<Box<Sleep>>>,
        #[pin]
        state: State<S, S::Future>,
        // The second lane. Boxed, for hardly any request ever has one.
        rival: Option<Pin<Box<State<S, S::Future>>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F> {
        // The request is taken in as far as it must be before a peer is chosen.
        Prepare,
        // Nothing runs here; the other lane does.
        Idle,
        // The chosen endpoint's service is waited for.
        Ready { service: S },
        // An attempt is running.
        Attempt { #[pin] future: F },
    }
}

impl<S, R, Req> ResponseFuture<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt>,
{
    pub(super) fn new(inner: Arc<Inner<S, R>>, request: Req) -> Self {
        let started = clock::now();
        let deadline = inner.terms.request_timeout;
        let deadline = deadline.map(|limit| clock::after(started, limit));
        Self {
            deadline: deadline.map(|at| Box::pin(tokio::time::sleep_until(at))),
            call: Call::new(inner, request, started),
            state: State::Prepare,
            rival: None,
        }
    }
}

/// Drives one lane as far as it goes.
fn poll_lane<S, R, Req>(
    mut state: Pin<&mut State<S, S::Future>>,
    call: &mut Call<S, R, Req>,
    lane: usize,
    cx: &mut Context<'_>,
) -> Poll<Next<S, R::Response>>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    loop {
        match state.as_mut().project() {
            StateProj::Prepare => {
                let Some(request) = call.request.as_mut() else {
                    panic!("polled after it was ready");
                };
                return Poll::Ready(match ready!(call.inner.rules.poll_prepare(request, cx)) {
                    Ok(()) => call.begin(),
                    Err(error) => Next::Answer(Err(error)),
                });
            }
            StateProj::Idle => return Poll::Pending,
            StateProj::Ready { service } => match ready!(service.poll_ready(cx)) {
                Ok(()) => {
                    let Some(future) = call.attempt(lane, service) else {
                        panic!("polled after it was ready");
                    };
                    state.set(State::Attempt { future });
                }
                Err(error) => return Poll::Ready(call.ended(lane, Err(error), false)),
            },
            StateProj::Attempt { future } => {
                let result = ready!(future.poll(cx));
                return Poll::Ready(call.ended(lane, result, true));
            }
        }
    }
}

impl<S, R, Req> Future for ResponseFuture<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    type Output = Result<R::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Poll::Ready(next) = poll_lane(this.state.as_mut(), this.call, 0, cx) {
                let next = match next {
                    Next::Ask(service) => State::Ready { service },
                    Next::Wait => State::Idle,
                    Next::Answer(answer) => {
                        *this.rival = None;
                        return Poll::Ready(answer);
                    }
                };
                this.state.set(next);
                continue;
            }
            if let Some(rival) = this.rival {
                if let Poll::Ready(next) = poll_lane(rival.as_mut(), this.call, 1, cx) {
                    match next {
                        Next::Ask(service) => rival.set(State::Ready { service }),
                        Next::Wait => *this.rival = None,
                        Next::Answer(answer) => {
                            // The loser lets go of its connection now, not when the caller does.
                            this.state.set(State::Idle);
                            *this.rival = None;
                            return Poll::Ready(answer);
                        }
                    }
                    continue;
                }
            }
            match this.call.poll_watch(cx) {
                Poll::Ready((0, service)) => this.state.set(State::Ready { service }),
                Poll::Ready((_, service)) => *this.rival = Some(Box::pin(State::Ready { service })),
                Poll::Pending => break,
            }
        }
        if let Some(deadline) = this.deadline {
            ready!(deadline.as_mut().poll(cx));
            // Our own limit is no evidence against the peers, so their leases are merely dropped.
            this.call.give_up();
            *this.rival = None;
            this.state.set(State::Prepare);
            this.call.request = None;
            return Poll::Ready(Err(
                Error::new(ErrorKind::Deadline).after(this.call.attempts)
            ));
        }
        Poll::Pending
    }
}
