use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_service::Service;

use super::engine::Inner;
use super::rules::Rules;
use crate::balance::{Ending, Lease, PeerId, Walk};
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

/// An attempt that is over, and what may still have to be said about it.
struct Ended<T, E> {
    result: Result<T, E>,
    condition: Condition,
    ending: Ending,
    peer: PeerId,
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
        let deadline = inner.terms.request_timeout;
        let deadline = deadline.map(|limit| clock::after(started, limit));
        Self {
            deadline: deadline.map(|at| Box::pin(tokio::time::sleep_until(at))),
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

    /// Picks, and if nobody is left ends the request: with NGINX's bare 502, or in Strict with what
    /// the last peer said (NL-1).
    fn ask_next(
        &mut self,
        at: Instant,
        last: Option<Ended<R::Reply, R::Error>>,
    ) -> Next<S, R::Response> {
        let next = self.pick(at);
        let strict = self.inner.roster.semantics() == Semantics::Strict;
        let last = match last {
            Some(last) if strict && next.is_none() => return self.hand_out(last, None),
            last => last,
        };
        if let Some(Ended {
            result: Ok(reply),
            ending,
            ..
        }) = last
        {
            self.inner.rules.discard(reply, ending);
        }
        if let Some(service) = next {
            return Next::Ask(service);
        }
        if let Some(request) = &self.request {
            self.inner.rules.none_left(request);
        }
        let error = Error::new(ErrorKind::NoLiveUpstreams);
        Next::Answer(Err(error.after(self.attempts)))
    }

    fn attempt(&mut self, service: &mut S) -> Option<S::Future> {
        let request = self.request.as_mut()?;
        let peer = self.lease.as_ref()?.peer();
        self.attempts += 1;
        Some(service.call(self.inner.rules.attempt(request, peer, self.fresh)))
    }

    fn attempted(&self, request: &Req, outcome: Outcome, tries: u32) -> Attempted {
        Attempted {
            outcome,
            tries,
            elapsed: self.started.elapsed(),
            idempotent: self.inner.rules.idempotent(request),
            replayable: self.inner.rules.replayable(request),
        }
    }

    /// Whether the request may go to the next peer with so many tries left. If so, what was sent of
    /// it so far is taken back.
    fn may_move_on(&self, outcome: Outcome, tries: u32) -> bool {
        let Some(request) = &self.request else {
            return false;
        };
        self.inner
            .terms
            .allow(self.attempted(request, outcome, tries))
            && (!outcome.sent || self.inner.rules.withdraw(request))
    }

    /// Settles an attempt that cost the request a try.
    fn spend(&mut self, lease: Lease, ending: Ending) {
        let disabled = lease.settle(ending);
        self.walk.spend();
        if let (true, Some(request)) = (disabled, &self.request) {
            self.inner.rules.disabled(request);
        }
    }

    /// An attempt is over: what it says of its peer follows from the condition alone, whether it came
    /// as an answer or as an error.
    fn ended(&mut self, result: Result<R::Reply, R::Error>, asked: bool) -> Next<S, R::Response> {
        let mut outcome = self.inner.rules.outcome(&result);
        // Nothing is sent to a service that never became ready.
        outcome.sent &= asked;
        let Some(lease) = self.lease.take() else {
            unreachable!("an attempt runs under a lease");
        };
        let mut ended = Ended {
            result,
            condition: outcome.condition,
            ending: Ending::Served,
            peer: lease.peer(),
        };
        match outcome.condition {
            Condition::Served => self.hand_out(ended, Some(lease)),
            Condition::Aborted | Condition::Exhausted => {
                ended.ending = Ending::Dropped;
                self.hand_out(ended, Some(lease))
            }
            condition if condition.is_failure() => self.failed(ended, lease, outcome),
            _ => self.answered(ended, lease, outcome),
        }
    }

    /// NU-5: no usable answer.
    fn failed(
        &mut self,
        mut ended: Ended<R::Reply, R::Error>,
        lease: Lease,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        let broken = outcome.reused && outcome.condition == Condition::Error;
        if broken && !self.fresh && self.inner.roster.semantics() == Semantics::Strict {
            return self.stale(ended, lease, outcome);
        }
        ended.ending = Ending::Failed;
        self.spend(lease, Ending::Failed);
        if broken {
            // It tells nothing of the next peer.
            self.walk.refund();
        }
        match self.may_move_on(outcome, self.walk.tries()) {
            true => self.ask_next(clock::now(), Some(ended)),
            false => self.hand_out(ended, None),
        }
    }

    /// A connection that went stale in the pool says nothing of its peer. NGINX counts it and moves
    /// on (KA-8, KA-9); Strict asks the same peer again over a new one, if that is safe.
    fn stale(
        &mut self,
        mut ended: Ended<R::Reply, R::Error>,
        lease: Lease,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        let again = self.request.as_ref().is_some_and(|request| {
            let attempted = self.attempted(request, outcome, self.walk.tries());
            self.inner.terms.repeatable(&attempted) && self.inner.rules.withdraw(request)
        });
        if !again {
            ended.ending = Ending::Dropped;
            return self.hand_out(ended, Some(lease));
        }
        let service = self.inner.endpoint(lease.peer()).service.clone();
        self.lease = Some(lease);
        self.fresh = true;
        Next::Ask(service)
    }

    /// NU-7 and NU-8: a complete answer with a status that a keyword names.
    fn answered(
        &mut self,
        mut ended: Ended<R::Reply, R::Error>,
        lease: Lease,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        let blameless = outcome.condition.is_blameless();
        // This attempt's try is not spent yet, so one more than it must be left.
        if self.may_move_on(outcome, self.walk.tries().saturating_sub(1)) {
            ended.ending = if blameless {
                Ending::Next
            } else {
                Ending::Failed
            };
            self.spend(lease, ended.ending);
            return self.ask_next(clock::now(), Some(ended));
        }
        let keyword = outcome.condition.keyword();
        let listed = keyword.is_some_and(|word| self.inner.terms.next_upstream.contains(word));
        if listed && !blameless {
            ended.ending = Ending::Passed;
        }
        self.hand_out(ended, Some(lease))
    }

    /// The end of the request. A lease that is left rides with the answer.
    fn hand_out(
        &mut self,
        ended: Ended<R::Reply, R::Error>,
        lease: Option<Lease>,
    ) -> Next<S, R::Response> {
        let Ended {
            result,
            condition,
            ending,
            peer,
        } = ended;
        let Some(request) = self.request.take() else {
            unreachable!("a request is answered once");
        };
        Next::Answer(match result {
            Ok(reply) => {
                let lease = lease.map(|lease| (lease, ending));
                Ok(self.inner.rules.finish(request, reply, lease))
            }
            Err(error) => {
                if let Some(lease) = lease {
                    lease.settle(ending);
                }
                let peer = Arc::clone(&self.inner.endpoint(peer).name);
                Err(Error::of(condition)
                    .because(error)
                    .at(peer)
                    .after(self.attempts))
            }
        })
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
                    Poll::Ready(Err(error)) => this.call.ended(Err(error), false),
                    Poll::Pending => break Poll::Pending,
                },
                StateProj::Attempt { future } => match future.poll(cx) {
                    Poll::Ready(result) => this.call.ended(result, true),
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
