use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::layer::Rules;
use super::replay::Replay;
use crate::classify::Classify;
use crate::clock;
use crate::retry::{Attempted, Pushback};
use crate::timeout::Deadline;

pin_project! {
    /// A call on its way, possibly through several attempts.
    ///
    /// Dropping it drops the running attempt, the wait or the place in the inner service's queue;
    /// nothing goes on behind it. What was withdrawn from the budget stays so.
    pub struct ResponseFuture<S, C, R, Req>
    where
        R: Replay<Req>,
        S: Service<R::Attempt>,
    {
        call: Call<S, C, R, R::Kept>,
        #[pin]
        state: State<S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // An attempt is running.
        Attempt { #[pin] future: F },
        // The next one is due later.
        Wait { #[pin] sleep: Sleep },
        // The inner service is waited for.
        Ready,
        // The result is handed out.
        Done,
    }
}

struct Call<S, C, R, K> {
    // Called, and not yet ready again.
    service: S,
    rules: Arc<Rules<C, R>>,
    kept: K,
    started: Instant,
    attempts: u32,
}

impl<S, C, R, Req> ResponseFuture<S, C, R, Req>
where
    R: Replay<Req>,
    S: Service<R::Attempt>,
{
    /// Begins the first attempt with a service that is ready.
    pub(super) fn new(service: S, rules: Arc<Rules<C, R>>, request: Req) -> Self {
        let started = clock::now();
        if let Some(budget) = &rules.budget {
            budget.deposit(started);
        }
        let mut call = Call {
            service,
            kept: rules.requests.keep(request),
            rules,
            started,
            attempts: 0,
        };
        let future = call.attempt();
        Self {
            call,
            state: State::Attempt { future },
        }
    }
}

impl<S, C, R, K> Call<S, C, R, K> {
    fn attempt<Req>(&mut self) -> S::Future
    where
        R: Replay<Req, Kept = K>,
        S: Service<R::Attempt>,
    {
        let attempt = self.rules.requests.attempt(&mut self.kept, self.attempts);
        self.attempts += 1;
        self.service.call(attempt)
    }

    /// How long to wait before the request is sent again, if it is. Then it is paid for, and earlier
    /// attempts read no more of it.
    fn again<Req, Res, Err>(&mut self, result: &Result<Res, Err>) -> Option<Duration>
    where
        R: Replay<Req, Kept = K>,
        C: Classify<Res, Err>,
    {
        let rules = &*self.rules;
        let outcome = rules.classify.outcome(result);
        // Also what spares a success the rest.
        if !rules.terms.list(outcome.condition) {
            return None;
        }
        let now = clock::now();
        let delay = self.delay(result, now)?;
        let carried = rules.requests.deadline(&self.kept);
        let deadline = Deadline::either(carried, Deadline::current());
        if deadline.is_some_and(|deadline| deadline.is_over_at(clock::after(now, delay))) {
            return None;
        }
        let attempted = Attempted {
            outcome,
            tries: rules.terms.tries.saturating_sub(self.attempts),
            // A retry begins after its wait.
            elapsed: (now - self.started).saturating_add(delay),
            idempotent: rules.requests.idempotent(&self.kept),
            // Asked last: the answer takes the request from the attempt.
            replayable: true,
        };
        let again = rules.terms.allow(attempted)
            && rules
                .budget
                .as_ref()
                .is_none_or(|budget| budget.withdraw(now))
            && rules.requests.withdraw(&self.kept);
        again.then_some(delay)
    }

    fn delay<Res, Err>(&self, result: &Result<Res, Err>, now: Instant) -> Option<Duration>
    where
        C: Classify<Res, Err>,
    {
        let rules = &*self.rules;
        let drawn = rules.delay(self.attempts - 1);
        match rules.classify.pushback(result, rules.clock.time(now)) {
            Some(pushback) => Pushback::delay(pushback, drawn),
            None => Some(drawn),
        }
    }
}

impl<S, C, R, Req> Future for ResponseFuture<S, C, R, Req>
where
    R: Replay<Req>,
    S: Service<R::Attempt>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Attempt { future } => {
                    let result = ready!(future.poll(cx));
                    let Some(delay) = this.call.again::<Req, _, _>(&result) else {
                        this.state.set(State::Done);
                        return Poll::Ready(result);
                    };
                    // Let go of before anything is waited for: it may hold the very permit or
                    // connection that the next attempt needs.
                    drop(result);
                    // A timer would make a millisecond out of nothing.
                    this.state.set(match delay.is_zero() {
                        true => State::Ready,
                        false => State::Wait {
                            sleep: sleep_until(clock::after(clock::now(), delay)),
                        },
                    });
                }
                StateProj::Wait { sleep } => {
                    ready!(sleep.poll(cx));
                    this.state.set(State::Ready);
                }
                StateProj::Ready => {
                    let next = match ready!(this.call.service.poll_ready(cx)) {
                        Ok(()) => State::Attempt {
                            future: this.call.attempt::<Req>(),
                        },
                        Err(error) => {
                            this.state.set(State::Done);
                            return Poll::Ready(Err(error));
                        }
                    };
                    this.state.set(next);
                }
                StateProj::Done => panic!("polled after it was ready"),
            }
        }
    }
}
