//! An attempt is over: what it says of its peer, and what becomes of the request.

use std::sync::Arc;

use tokio::time::Instant;
use tower_service::Service;

use super::{Call, Lane, Next};
use crate::balance::{Ending, Lease};
use crate::classify::{Condition, Outcome};
use crate::clock;
use crate::error::Error;
use crate::retry::Attempted;
use crate::semantics::Semantics;
use crate::upstream::rules::Rules;

/// An attempt that is over, and what may still have to be said about it.
pub(super) struct Ended<T, E> {
    pub(super) result: Result<T, E>,
    pub(super) condition: Condition,
    pub(super) ending: Ending,
    pub(super) peer: Arc<str>,
}

impl<S, R, Req> Call<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    pub(super) fn discard(&self, last: Ended<R::Reply, R::Error>) {
        if let Ok(reply) = last.result {
            self.inner.rules.discard(reply, last.ending);
        }
    }

    fn attempted(&self, request: &Req, outcome: Outcome, tries: u32) -> Attempted {
        Attempted {
            outcome,
            tries,
            elapsed: self.elapsed(clock::now()),
            idempotent: self.inner.rules.idempotent(request),
            replayable: self.inner.rules.replayable(request),
        }
    }

    /// Whether the request may go to the next peer with so many tries left. If so, the budget has
    /// paid for it, and what was sent of it so far is taken back.
    fn may_move_on(&self, outcome: Outcome, tries: u32) -> bool {
        let Some(request) = &self.request else {
            return false;
        };
        let terms = &self.inner.terms;
        // Withdrawn last: an answer that is handed out for want of money may still need its request.
        terms.allow(self.attempted(request, outcome, tries))
            && self.pays(clock::now)
            && (!outcome.sent || self.inner.rules.withdraw(request))
    }

    pub(super) fn pays(&self, now: impl FnOnce() -> Instant) -> bool {
        let budget = self.inner.budget.as_ref();
        budget.is_none_or(|budget| budget.withdraw(now()))
    }

    /// Settles an attempt that cost the request a try.
    fn spend(&mut self, lease: Lease, ending: Ending, number: u32) {
        let disabled = lease.settle(ending);
        self.walk.spend();
        if let (true, Some(request)) = (disabled, &self.request) {
            self.inner.rules.disabled(request, number);
        }
    }

    /// An attempt is over: what it says of its peer follows from the condition alone, whether it came
    /// as an answer or as an error.
    pub(in crate::upstream) fn ended(
        &mut self,
        at: usize,
        result: Result<R::Reply, R::Error>,
        asked: bool,
    ) -> Next<S, R::Response> {
        let mut outcome = self.inner.rules.outcome(&result);
        // Nothing is sent to a service that never became ready.
        outcome.sent &= asked;
        let Some(mut lane) = self.lanes[at].take() else {
            unreachable!("an attempt runs under a lease");
        };
        let condition = outcome.condition;
        if result.is_ok() {
            self.answered(&mut lane, condition);
        }
        let mut ended = Ended {
            result,
            condition,
            ending: Ending::Served,
            peer: Arc::clone(&lane.endpoint.name),
        };
        match condition {
            Condition::Served => self.hand_out(ended, Some(lane)),
            Condition::Exhausted if self.running() > 0 => {
                // What is lacking here the other attempt has already.
                lane.lease.settle(Ending::Superseded);
                Next::Wait
            }
            Condition::Aborted | Condition::Exhausted => {
                ended.ending = Ending::Dropped;
                self.hand_out(ended, Some(lane))
            }
            condition if condition.is_failure() => self.failed(at, ended, lane, outcome),
            _ => self.listed(at, ended, lane, outcome),
        }
    }

    fn answered(&self, lane: &mut Lane<S>, condition: Condition) {
        let well = condition == Condition::Served || condition.is_blameless();
        lane.lease.answered(well);
        let watch = self.inner.watch.as_ref().filter(|watch| watch.hedges());
        if let (Some(watch), true) = (watch, well) {
            let now = clock::now();
            watch.record(now - lane.begun, now);
        }
    }

    /// NU-5: no usable answer.
    fn failed(
        &mut self,
        at: usize,
        mut ended: Ended<R::Reply, R::Error>,
        lane: Lane<S>,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        // Once is enough: a peer may refuse every stream, on new connections too.
        let broken = outcome.reused && outcome.condition == Condition::Error && !lane.fresh;
        if broken && self.inner.roster.semantics() == Semantics::Strict {
            return self.stale(at, ended, lane, outcome);
        }
        ended.ending = Ending::Failed;
        self.spend(lane.lease, Ending::Failed, lane.number);
        if broken {
            // It tells nothing of the next peer.
            self.walk.refund();
        }
        if self.running() > 0 {
            return Next::Wait;
        }
        match self.may_move_on(outcome, self.walk.tries()) {
            true => self.ask_next(at, clock::now(), Some(ended)),
            false => self.hand_out(ended, None),
        }
    }

    /// A connection that went stale in the pool says nothing of its peer. NGINX counts it and moves
    /// on (KA-8, KA-9); Strict asks the same peer again over a new one, if that is safe.
    fn stale(
        &mut self,
        at: usize,
        mut ended: Ended<R::Reply, R::Error>,
        mut lane: Lane<S>,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        if self.running() > 0 {
            return Next::Wait;
        }
        let again = self.request.as_ref().is_some_and(|request| {
            let attempted = self.attempted(request, outcome, self.walk.tries());
            self.inner.terms.repeatable(&attempted) && self.inner.rules.withdraw(request)
        });
        if !again {
            ended.ending = Ending::Dropped;
            return self.hand_out(ended, Some(lane));
        }
        let service = lane.endpoint.service.clone();
        lane.fresh = true;
        self.lanes[at] = Some(lane);
        Next::Ask(service)
    }

    /// NU-7 and NU-8: a complete answer with a status that a keyword or the configuration names.
    fn listed(
        &mut self,
        at: usize,
        mut ended: Ended<R::Reply, R::Error>,
        lane: Lane<S>,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        let blameless = outcome.condition.is_blameless();
        let listed = self.inner.terms.list(outcome.condition);
        let elsewhere = listed && self.running() > 0;
        // This attempt's try is not spent yet, so one more than it must be left.
        if elsewhere || self.may_move_on(outcome, self.walk.tries().saturating_sub(1)) {
            ended.ending = if blameless {
                Ending::Next
            } else {
                Ending::Failed
            };
            self.spend(lane.lease, ended.ending, lane.number);
            if elsewhere {
                self.discard(ended);
                return Next::Wait;
            }
            return self.ask_next(at, clock::now(), Some(ended));
        }
        ended.ending = match outcome.condition {
            Condition::Grpc { counts: true, .. } => Ending::Failed,
            _ if listed && !blameless => Ending::Passed,
            _ => ended.ending,
        };
        self.hand_out(ended, Some(lane))
    }

    /// The end of the request. A lease that is left rides with the answer.
    pub(super) fn hand_out(
        &mut self,
        ended: Ended<R::Reply, R::Error>,
        lane: Option<Lane<S>>,
    ) -> Next<S, R::Response> {
        for loser in self.lanes.iter_mut().filter_map(Option::take) {
            loser.lease.settle(Ending::Superseded);
        }
        let Ended {
            result,
            condition,
            ending,
            peer,
        } = ended;
        let Some(request) = self.request.take() else {
            unreachable!("a request is answered once");
        };
        self.alarm = None;
        let lease = lane.map(|lane| lane.lease);
        Next::Answer(match result {
            Ok(reply) => {
                let lease = lease.map(|lease| (lease, ending));
                Ok(self.inner.rules.finish(request, reply, lease))
            }
            Err(error) => {
                if let Some(lease) = lease {
                    lease.settle(ending);
                }
                Err(Error::of(condition)
                    .because(error)
                    .at(peer)
                    .after(self.attempts))
            }
        })
    }
}
