mod ending;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tower_service::Service;

use crate::balance::{Lease, Walk};
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::semantics::Semantics;
use crate::timeout::{Deadline, Timer};
use crate::upstream::engine::{Endpoint, Inner};
use crate::upstream::rules::Rules;

/// What a request carries from one attempt to the next.
pub(in crate::upstream) struct Call<S, R, Req> {
    pub(in crate::upstream) inner: Arc<Inner<S, R>>,
    // Empty once the answer is handed out.
    pub(in crate::upstream) request: Option<Req>,
    walk: Walk,
    // The first pick (TR-3); nothing before it.
    started: Option<Instant>,
    pub(in crate::upstream) attempts: u32,
    /// The whole request's.
    pub(in crate::upstream) deadline: Option<Deadline>,
    /// The attempts running: one, and for a while perhaps a second beside it.
    pub(in crate::upstream) lanes: [Option<Lane<S>>; 2],
    /// When to look after the running attempt; `None` when there is nothing to look for any more.
    look_at: Option<Instant>,
    // Made when an attempt is first found pending, and only where somebody watches (a hedge, or the
    // slow-fault rule): one allocation for such a request, none for the others. Keeping timers for the
    // next request would tie calls to the runtime of an earlier one.
    alarm: Option<Timer>,
}

/// One attempt that is running.
pub(in crate::upstream) struct Lane<S> {
    lease: Lease,
    endpoint: Arc<Endpoint<S>>,
    /// Counted from 1.
    number: u32,
    begun: Instant,
    // It repeats one that died with a kept connection; it asks for a new one.
    fresh: bool,
}

/// What is done once an attempt has ended.
pub(in crate::upstream) enum Next<S, T> {
    Answer(Result<T, Error>),
    /// In the same lane.
    Ask(S),
    /// The other attempt may still be answered.
    Wait,
}

impl<S, R, Req> Call<S, R, Req> {
    pub(in crate::upstream) fn new(
        inner: Arc<Inner<S, R>>,
        request: Req,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            walk: inner.roster.walk(inner.terms.tries),
            inner,
            request: Some(request),
            started: None,
            attempts: 0,
            deadline,
            lanes: [None, None],
            look_at: None,
            alarm: None,
        }
    }

    fn running(&self) -> usize {
        self.lanes.iter().flatten().count()
    }

    /// The whole request's time is over.
    pub(in crate::upstream) fn is_late(&self) -> bool {
        self.deadline.is_some_and(Deadline::is_over)
    }

    /// Since the first pick.
    fn elapsed(&self, now: Instant) -> Duration {
        let since = |started| now.saturating_duration_since(started);
        self.started.map(since).unwrap_or_default()
    }

    fn is_late_at(&self, now: Instant) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline.is_over_at(now))
    }

    /// Gives everything back at once. The limit is the caller's or our own and no evidence against the
    /// peers, so their leases are merely dropped.
    pub(in crate::upstream) fn out_of_time(&mut self) -> Error {
        self.lanes = [None, None];
        self.request = None;
        self.alarm = None;
        Error::new(ErrorKind::Deadline).after(self.attempts)
    }
}

impl<S, R, Req> Call<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    /// The request has been taken in: the first peer.
    pub(in crate::upstream) fn begin(&mut self) -> Next<S, R::Response> {
        let now = clock::now();
        self.started = Some(now);
        if self.is_late_at(now) {
            return Next::Answer(Err(self.out_of_time()));
        }
        if let Some(budget) = &self.inner.budget {
            budget.deposit(now);
        }
        self.ask_next(0, now, None)
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
            self.look_at = watching::first_look(watch, at);
        }
        Some(service)
    }

    /// Picks, unless there is no time left for it, which ends the request. So does that nobody is left:
    /// with NGINX's bare 502, or in Strict with what the last peer said (NL-1).
    fn ask_next(
        &mut self,
        lane: usize,
        at: Instant,
        last: Option<ending::Ended<R::Reply, R::Error>>,
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

    /// Calls the service that a lane has waited for.
    pub(in crate::upstream) fn attempt(
        &mut self,
        lane: usize,
        service: &mut S,
    ) -> Option<S::Future> {
        let request = self.request.as_mut()?;
        let lane = self.lanes[lane].as_mut()?;
        self.attempts += 1;
        lane.number = self.attempts;
        let rules = &self.inner.rules;
        let attempt = rules.attempt(request, &lane.endpoint.name, lane.number, lane.fresh);
        Some(service.call(attempt))
    }
}
