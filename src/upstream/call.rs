use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower_service::Service;

use super::alarms::Alarm;
use super::engine::{Endpoint, Inner, Watch};
use super::rules::Rules;
use crate::balance::{Ending, Lease, Walk};
use crate::classify::{Condition, Outcome};
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::retry::Attempted;
use crate::semantics::Semantics;
use crate::timeout::Deadline;

/// What a request carries from one attempt to the next.
pub(super) struct Call<S, R, Req> {
    pub(super) inner: Arc<Inner<S, R>>,
    // Empty once the answer is handed out.
    pub(super) request: Option<Req>,
    walk: Walk,
    // Of the first pick (TR-3); before it, of the call.
    started: Instant,
    pub(super) attempts: u32,
    /// The whole request's.
    pub(super) deadline: Option<Deadline>,
    /// The attempts running: one, and for a while perhaps a second beside it.
    pub(super) lanes: [Option<Lane<S>>; 2],
    /// When to look after the running attempt; `None` when there is nothing to look for any more.
    look_at: Option<Instant>,
    alarm: Alarm,
}

/// One attempt that is running.
pub(super) struct Lane<S> {
    lease: Lease,
    endpoint: Arc<Endpoint<S>>,
    /// Counted from 1.
    number: u32,
    begun: Instant,
    // It repeats one that died with a kept connection; it asks for a new one.
    fresh: bool,
}

/// An attempt that is over, and what may still have to be said about it.
struct Ended<T, E> {
    result: Result<T, E>,
    condition: Condition,
    ending: Ending,
    peer: Arc<str>,
}

/// What is done once an attempt has ended.
pub(super) enum Next<S, T> {
    Answer(Result<T, Error>),
    /// In the same lane.
    Ask(S),
    /// The other attempt may still be answered.
    Wait,
}

impl<S, R, Req> Call<S, R, Req> {
    pub(super) fn new(
        inner: Arc<Inner<S, R>>,
        request: Req,
        started: Instant,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            walk: inner.roster.walk(inner.terms.tries),
            inner,
            request: Some(request),
            started,
            attempts: 0,
            deadline,
            lanes: [None, None],
            look_at: None,
            alarm: Alarm::default(),
        }
    }

    fn running(&self) -> usize {
        self.lanes.iter().flatten().count()
    }

    /// The whole request's time is over.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(Deadline::is_over)
    }

    fn is_late_at(&self, now: Instant) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline.is_over_at(now))
    }

    /// Gives everything back at once. The limit is the caller's or our own and no evidence against the
    /// peers, so their leases are merely dropped.
    pub(super) fn out_of_time(&mut self) -> Error {
        self.lanes = [None, None];
        self.request = None;
        if let Some(watch) = &self.inner.watch {
            self.alarm.give_back(&watch.alarms);
        }
        Error::new(ErrorKind::Deadline).after(self.attempts)
    }
}

impl<S, R, Req> Call<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    /// The request has been taken in: the first peer.
    pub(super) fn begin(&mut self) -> Next<S, R::Response> {
        self.started = clock::now();
        if self.is_late_at(self.started) {
            return Next::Answer(Err(self.out_of_time()));
        }
        if let Some(budget) = &self.inner.budget {
            budget.deposit(self.started);
        }
        self.ask_next(0, self.started, None)
    }

    /// Books the next peer, or says that none is left.
    fn pick(&mut self, lane: usize, at: Instant) -> Option<S> {
        if let Some(request) = &self.request {
            self.walk.bind(self.inner.rules.affinity(request));
        }
        let (lease, endpoint) = self.inner.roster.pick(&mut self.walk, at)?;
        let service = endpoint.service.clone();
        self.lanes[lane] = Some(Lane {
            lease,
            endpoint,
            number: 0,
            begun: at,
            fresh: false,
        });
        if let Some(watch) = &self.inner.watch {
            self.look_at = first_look(watch, at);
        }
        Some(service)
    }

    /// Picks, unless there is no time left for it, which ends the request. So does that nobody is left:
    /// with NGINX's bare 502, or in Strict with what the last peer said (NL-1).
    fn ask_next(
        &mut self,
        lane: usize,
        at: Instant,
        last: Option<Ended<R::Reply, R::Error>>,
    ) -> Next<S, R::Response> {
        if self.is_late_at(at) {
            if let Some(last) = last {
                self.discard(last);
            }
            return Next::Answer(Err(self.out_of_time()));
        }
        let next = self.pick(lane, at);
        let strict = self.inner.roster.semantics() == Semantics::Strict;
        let last = match last {
            Some(last) if strict && next.is_none() => return self.hand_out(last, None),
            last => last,
        };
        if let Some(last) = last {
            self.discard(last);
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

    fn discard(&self, last: Ended<R::Reply, R::Error>) {
        if let Ok(reply) = last.result {
            self.inner.rules.discard(reply, last.ending);
        }
    }

    /// Calls the service that a lane has waited for.
    pub(super) fn attempt(&mut self, lane: usize, service: &mut S) -> Option<S::Future> {
        let request = self.request.as_mut()?;
        let lane = self.lanes[lane].as_mut()?;
        self.attempts += 1;
        lane.number = self.attempts;
        let rules = &self.inner.rules;
        let attempt = rules.attempt(request, &lane.endpoint.name, lane.number, lane.fresh);
        Some(service.call(attempt))
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

    fn pays(&self, now: impl FnOnce() -> Instant) -> bool {
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
    pub(super) fn ended(
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
        if let (Some(watch), true) = (&self.inner.watch, well) {
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

    /// NU-7 and NU-8: a complete answer with a status that a keyword names.
    fn listed(
        &mut self,
        at: usize,
        mut ended: Ended<R::Reply, R::Error>,
        lane: Lane<S>,
        outcome: Outcome,
    ) -> Next<S, R::Response> {
        let blameless = outcome.condition.is_blameless();
        let keyword = outcome.condition.keyword();
        let listed = keyword.is_some_and(|word| self.inner.terms.next_upstream.contains(word));
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
        if listed && !blameless {
            ended.ending = Ending::Passed;
        }
        self.hand_out(ended, Some(lane))
    }

    /// The end of the request. A lease that is left rides with the answer.
    fn hand_out(
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
        if let Some(watch) = &self.inner.watch {
            self.alarm.give_back(&watch.alarms);
        }
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

    /// Has an eye on the one attempt that waits. Ready with a service when a second one is to join
    /// it, in the lane named.
    pub(super) fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<(usize, S)> {
        let inner = Arc::clone(&self.inner);
        let Some(watch) = &inner.watch else {
            return Poll::Pending;
        };
        while let Some(at) = self.look_at {
            let free = match &self.lanes {
                [Some(_), None] => 1,
                [None, Some(_)] => 0,
                _ => return Poll::Pending,
            };
            if self.alarm.poll_until(at, &watch.alarms, cx).is_pending() {
                return Poll::Pending;
            }
            let now = clock::now();
            let Some(lane) = &self.lanes[1 - free] else {
                return Poll::Pending;
            };
            let waited = now.saturating_duration_since(lane.begun);
            let late = watch.hedge_after().is_some_and(|after| waited >= after);
            let (stuck, look) = match lane.lease.stuck() {
                Some(Ok(())) => (true, None),
                // Nobody judges a peer that is no member any more; it may take its time.
                look => (false, look.and_then(Result::err)),
            };
            self.look_at = next_look(watch, lane.begun, now, look);
            if late || stuck {
                let joined = self.join(free, now);
                // One more is enough.
                self.look_at = None;
                if let Some(service) = joined {
                    return Poll::Ready((free, service));
                }
            }
        }
        Poll::Pending
    }

    /// A second attempt at another peer, if the request may be sent twice at once and somebody pays.
    fn join(&mut self, lane: usize, now: Instant) -> Option<S> {
        let request = self.request.as_ref()?;
        let repeatable = self.inner.rules.may_run_twice(request);
        // The running attempt's try is not spent yet.
        let tries = self.walk.tries() > 1;
        let time = self.inner.terms.timeout;
        let in_time = (time.is_zero() || now - self.started < time) && !self.is_late_at(now);
        // Paid before it is picked: a pick that is not used would have the peer count as asked.
        if !(repeatable && tries && in_time && self.pays(|| now)) {
            return None;
        }
        self.pick(lane, now)
    }
}

/// When to look after an attempt for the first time.
fn first_look(watch: &Watch, begun: Instant) -> Option<Instant> {
    let looks = [watch.first_look, watch.hedge_after()];
    looks
        .into_iter()
        .flatten()
        .min()
        .map(|after| clock::after(begun, after))
}

/// And when again: for the hedge, or for a suspicion.
fn next_look(
    watch: &Watch,
    begun: Instant,
    now: Instant,
    suspicion: Option<std::time::Duration>,
) -> Option<Instant> {
    let hedge = watch.hedge_after().map(|after| clock::after(begun, after));
    let suspicion = suspicion.map(|after| clock::after(now, after));
    // A look that is due already would be no wait at all.
    hedge
        .into_iter()
        .chain(suspicion)
        .filter(|at| *at > now)
        .min()
}
