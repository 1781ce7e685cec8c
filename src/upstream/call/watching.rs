//! An attempt that waits: when a second one is to join it.

use std::task::{Context, Poll};

use tokio::time::Instant;
use tower_service::Service;

use super::Call;
use crate::balance::Join;
use crate::clock;
use crate::timeout::Timer;
use crate::upstream::engine::Watch;
use crate::upstream::rules::Rules;

impl<S, R, Req> Call<S, R, Req>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    /// Has an eye on the one attempt that waits. Ready with a service when a second one is to join
    /// it, in the lane named.
    pub(in crate::upstream) fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<(usize, S)> {
        // Nobody who does not watch gets further.
        while let Some(at) = self.look_at {
            let free = match &self.lanes {
                [Some(_), None] => 1,
                [None, Some(_)] => 0,
                _ => return Poll::Pending,
            };
            let alarm = self.alarm.get_or_insert_with(|| Timer::new(at));
            if alarm.poll_until(at, cx).is_pending() {
                return Poll::Pending;
            }
            let (Some(watch), Some(lane)) = (&self.inner.watch, &self.lanes[1 - free]) else {
                return Poll::Pending;
            };
            let now = clock::now();
            let waited = now.saturating_duration_since(lane.begun);
            let late = watch.hedge_after().is_some_and(|after| waited >= after);
            let (stuck, look) = match lane.lease.stuck() {
                Some(Ok(())) => (true, None),
                // Nobody judges a peer that is no member any more; it may take its time.
                look => (false, look.and_then(Result::err)),
            };
            self.look_at = next_look(watch, lane.begun, now, look);
            if late || stuck {
                let why = if stuck { Join::Stuck } else { Join::Late };
                let joined = self.join(free, why, now);
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
    fn join(&mut self, lane: usize, why: Join, now: Instant) -> Option<S> {
        let request = self.request.as_ref()?;
        let repeatable = self.inner.rules.may_run_twice(request);
        // The running attempt's try is not spent yet.
        let tries = self.walk.tries() > 1;
        let time = self.inner.terms.timeout;
        let in_time = (time.is_zero() || self.elapsed(now) < time) && !self.is_late_at(now);
        // Paid before it is picked: a pick that is not used would have the peer count as asked.
        if !(repeatable && tries && in_time && self.pays(|| now)) {
            return None;
        }
        self.walk.join(Some(why));
        let joined = self.pick(lane, now);
        self.walk.join(None);
        joined
    }
}

/// When to look after an attempt for the first time.
pub(super) fn first_look(watch: &Watch, begun: Instant) -> Option<Instant> {
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
