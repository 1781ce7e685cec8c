use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_service::Service;

use super::engine::Inner;
use super::rules::Rules;
use crate::balance::{Ending, Lease, Walk};
use crate::classify::{Condition, Outcome};
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::retry::Attempted;
use crate::semantics::Semantics;

pin_project! {
    /// A request on its way, possibly through several peers.
    ///
    /// Dropping it abandons the running attempt; its slot and probe come back at once.
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
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F> {
        // The request is taken in as far as it must be before a peer is chosen.
        Prepare,
        // The chosen endpoint's service is waited for.
        Ready { service: S },
        // An attempt is running.
        Attempt { #[pin] future: F },
    }
}

/// What a request carries from one attempt to the next.
struct Call<S, R, Req> {
    inner: Arc<Inner<S, R>>,
    // Empty once the answer is handed out.
    request: Option<Req>,
    walk: Walk,
    // Of the first pick (TR-3); before it, of the call.
    started: Instant,
    attempts: u32,
    lease: Option<Lease>,
    // The running attempt repeats one that died with a kept connection; it asked for a new one.
    fresh: bool,
}

/// What is done once an attempt has ended.
enum Next<S, T> {
    Answer(Result<T, Error>),
    Ask(S),
}

impl<S, R, Req> ResponseFuture<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt>,
{
    pub(super) fn new(inner: Arc<Inner<S, R>>, request: Req) -> Self {
        let walk = inner.roster.walk(inner.terms.tries);
        let started = clock::now();
        Self {
            deadline: inner
                .terms
                .request_timeout
                .map(|limit| Box::pin(tokio::time::sleep_until(started + limit))),
            call: Call {
                inner,
                request: Some(request),
                walk,
                started,
                attempts: 0,
                lease: None,
                fresh: false,
            },
            state: State::Prepare,
        }
    }
}

impl<S, R, Req> Call<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone,
{
    /// Books the next peer, or says that none is left.
    fn pick(&mut self, at: Instant) -> Option<S> {
        let lease = self.inner.roster.pick(&mut self.walk, at)?;
        let service = self.inner.endpoint(lease.peer()).service.clone();
        self.lease = Some(lease);
        self.fresh = false;
        Some(service)
    }

    /// Picks, and if nobody is left gives up with `otherwise` or NGINX's bare 502 (NL-1).
    fn ask_next(&mut self, at: Instant, otherwise: Option<Error>) -> Next<S, R::Response> {
        if let Some(service) = self.pick(at) {
            return Next::Ask(service);
        }
        if let Some(request) = &self.request {
            self.inner.rules.none_left(request);
        }
        Next::Answer(Err(otherwise
            .unwrap_or_else(|| Error::new(ErrorKind::NoLiveUpstreams))
            .after(self.attempts)))
    }

    fn attempt(&mut self, service: &mut S) -> Option<S::Future> {
        let request = self.request.as_mut()?;
        let peer = self.lease.as_ref()?.peer();
        self.attempts += 1;
        Some(service.call(self.inner.rules.attempt(request, peer, self.fresh)))
    }

    fn attempted(&self, request: &Req, outcome: Outcome, elapsed: Duration) -> Attempted {
        Attempted {
            outcome,
            tries: self.walk.tries(),
            elapsed,
            idempotent: self.inner.rules.idempotent(request),
            replayable: self.inner.rules.replayable(request),
        }
    }

    /// Settles an attempt that cost the request a try, and says whether the next may follow.
    fn move_on(&mut self, lease: Lease, ending: Ending, outcome: Outcome) -> bool {
        let disabled = lease.settle(ending);
        self.walk.spend();
        // A kept connection that broke cost a try that tells nothing of the next peer.
        if outcome.reused && outcome.condition == Condition::Error {
            self.walk.refund();
        }
        let Some(request) = &self.request else {
            return false;
        };
        if disabled {
            self.inner.rules.disabled(request);
        }
        let attempted = self.attempted(request, outcome, self.started.elapsed());
        self.inner.terms.allow(attempted)
    }

    fn ended(&mut self, result: Result<R::Reply, R::Error>) -> Next<S, R::Response> {
        let outcome = self.inner.rules.outcome(&result);
        let Some(lease) = self.lease.take() else {
            unreachable!("an attempt runs under a lease");
        };
        match result {
            Ok(reply) => self.answered(reply, lease, outcome),
            Err(error) => self.failed(error, lease, outcome),
        }
    }

    /// NU-7 and NU-8: a complete header, listed or not.
    fn answered(
        &mut self,
        reply: R::Reply,
        lease: Lease,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        let listed = outcome
            .condition
            .keyword()
            .is_some_and(|keyword| self.inner.terms.next_upstream.contains(keyword));
        if !listed {
            return self.finish(reply, Some((lease, Ending::Served)));
        }
        // This attempt's try is not spent yet, so one more than it must be left.
        let again = self.request.as_ref().is_some_and(|request| {
            let mut attempted = self.attempted(request, outcome, self.started.elapsed());
            attempted.tries = attempted.tries.saturating_sub(1);
            self.inner.terms.allow(attempted)
        });
        if !again {
            let blameless = outcome.condition.is_blameless();
            let ending = if blameless {
                Ending::Served
            } else {
                Ending::Passed
            };
            return self.finish(reply, Some((lease, ending)));
        }
        let ending = match outcome.condition.is_blameless() {
            true => Ending::Next,
            false => Ending::Failed,
        };
        self.move_on(lease, ending, outcome);
        match self.inner.roster.semantics() {
            Semantics::Nginx => {
                self.inner.rules.discard(reply, ending);
                self.ask_next(clock::now(), None)
            }
            Semantics::Strict => match self.pick(clock::now()) {
                Some(service) => {
                    self.inner.rules.discard(reply, ending);
                    Next::Ask(service)
                }
                None => self.finish(reply, None),
            },
        }
    }

    /// NU-5: no usable answer.
    fn failed(&mut self, error: R::Error, lease: Lease, outcome: Outcome) -> Next<S, R::Response> {
        let endpoint = self.inner.endpoint(lease.peer());
        let (service, peer) = (endpoint.service.clone(), Arc::clone(&endpoint.name));
        let error = Error::of(outcome.condition)
            .because(error)
            .at(peer)
            .after(self.attempts);
        if outcome.condition == Condition::Aborted {
            lease.settle(Ending::Dropped);
            return Next::Answer(Err(error));
        }
        if self.repairs_stale(&outcome) {
            self.lease = Some(lease);
            self.fresh = true;
            return Next::Ask(service);
        }
        if !self.move_on(lease, Ending::Failed, outcome) {
            return Next::Answer(Err(error));
        }
        match self.inner.roster.semantics() {
            Semantics::Nginx => self.ask_next(clock::now(), None),
            Semantics::Strict => self.ask_next(clock::now(), Some(error)),
        }
    }

    /// A connection that went stale in the pool says nothing of its peer: NGINX counts it and moves
    /// on (KA-8, KA-9), Strict asks the same peer again over a new one.
    fn repairs_stale(&self, outcome: &Outcome) -> bool {
        let stale = outcome.reused && outcome.condition == Condition::Error;
        stale
            && !self.fresh
            && self.inner.roster.semantics() == Semantics::Strict
            && self.request.as_ref().is_some_and(|request| {
                let attempted = self.attempted(request, *outcome, Duration::ZERO);
                self.inner.terms.repeatable(&attempted)
            })
    }

    fn finish(&mut self, reply: R::Reply, lease: Option<(Lease, Ending)>) -> Next<S, R::Response> {
        let Some(request) = self.request.take() else {
            unreachable!("a request is answered once");
        };
        Next::Answer(Ok(self.inner.rules.finish(request, reply, lease)))
    }
}

impl<S, R, Req> Future for ResponseFuture<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone,
{
    type Output = Result<R::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = loop {
            let next = match this.state.as_mut().project() {
                StateProj::Prepare => {
                    let Some(request) = this.call.request.as_mut() else {
                        panic!("polled after it was ready");
                    };
                    match this.call.inner.rules.poll_prepare(request, cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                        Poll::Pending => break Poll::Pending,
                    }
                    this.call.started = clock::now();
                    this.call.ask_next(this.call.started, None)
                }
                StateProj::Ready { service } => match service.poll_ready(cx) {
                    Poll::Ready(Ok(())) => {
                        let Some(future) = this.call.attempt(service) else {
                            panic!("polled after it was ready");
                        };
                        this.state.set(State::Attempt { future });
                        continue;
                    }
                    Poll::Ready(Err(error)) => this.call.ended(Err(error)),
                    Poll::Pending => break Poll::Pending,
                },
                StateProj::Attempt { future } => match future.poll(cx) {
                    Poll::Ready(result) => this.call.ended(result),
                    Poll::Pending => break Poll::Pending,
                },
            };
            match next {
                Next::Answer(answer) => return Poll::Ready(answer),
                Next::Ask(service) => this.state.set(State::Ready { service }),
            }
        };
        if polled.is_pending() {
            if let Some(deadline) = this.deadline {
                ready!(deadline.as_mut().poll(cx));
                // Our own limit is no evidence against the peer, so its lease is merely dropped.
                this.call.lease = None;
                this.state.set(State::Prepare);
                return Poll::Ready(Err(
                    Error::new(ErrorKind::Deadline).after(this.call.attempts)
                ));
            }
        }
        polled
    }
}
