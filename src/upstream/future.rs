use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::call::{Call, Next};
use super::engine::Inner;
use super::rules::Rules;
use crate::clock;
use crate::error::Error;
use crate::timeout::{Deadline, Timer};

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
        // Only when the whole request is limited and has to wait: the one allocation that costs.
        timer: Option<Timer>,
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
    pub(super) fn new(inner: Arc<Inner<S, R>>, mut request: Req) -> Self {
        let own = inner.terms.request_timeout;
        let own = own.map(|limit| Deadline::later(clock::now(), limit));
        let own = Deadline::either(own, Deadline::current());
        let deadline = inner.rules.deadline(&mut request, own);
        Self {
            timer: None,
            call: Call::new(inner, request, deadline),
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
                // It may have had to wait.
                Ok(()) if call.is_late() => {
                    return Poll::Ready(Next::Answer(Err(call.out_of_time())));
                }
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
        let Some(deadline) = this.call.deadline else {
            return Poll::Pending;
        };
        let at = deadline.instant();
        let timer = this.timer.get_or_insert_with(|| Timer::new(at));
        ready!(timer.poll_until(at, cx));
        let error = this.call.out_of_time();
        *this.rival = None;
        this.state.set(State::Prepare);
        Poll::Ready(Err(error))
    }
}
