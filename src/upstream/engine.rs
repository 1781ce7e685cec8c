use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower_service::Service;

use super::future::ResponseFuture;
use super::rules::Rules;
use crate::balance::{PeerState, Roster};
use crate::error::Error;
use crate::retry::{Budget, Hedge, Latencies, Terms};

/// A peer's name, for errors and logs, and the service that reaches it.
#[derive(Clone, Debug)]
pub struct Endpoint<S> {
    /// What errors call it.
    pub name: Arc<str>,
    /// Cloned for every attempt, so a clone must be cheap.
    pub service: S,
}

/// Peers, and how each is reached.
pub type Endpoints<S> = Roster<Arc<Endpoint<S>>>;

/// Pick, try, classify, exclude, next: the one loop, over any [`Service`] per peer.
///
/// It is always ready; an endpoint's readiness is awaited inside the call, where it belongs to one
/// attempt and can be given up. Dropping the response future gives everything back.
pub struct Engine<S, R>(Arc<Inner<S, R>>);

pub(super) struct Inner<S, R> {
    pub(super) roster: Arc<Endpoints<S>>,
    pub(super) rules: R,
    pub(super) terms: Terms,
    pub(super) budget: Option<Budget>,
    pub(super) watch: Option<Watch>,
}

/// What is needed to have an eye on attempts that wait.
pub(super) struct Watch {
    hedge: Option<Hedge>,
    latencies: Mutex<Latencies>,
    /// When to ask for the first time whether the peer is suspected.
    pub(super) first_look: Option<Duration>,
}

impl Watch {
    /// Somebody wants to know how long answers take.
    pub(super) fn hedges(&self) -> bool {
        self.hedge.is_some()
    }

    /// An answer came after so long.
    pub(super) fn record(&self, took: Duration, now: Instant) {
        self.lock().record(took, now);
    }

    /// How long an attempt is left alone before a second one joins it.
    pub(super) fn hedge_after(&self) -> Option<Duration> {
        let hedge = self.hedge.as_ref()?;
        self.lock().delay(hedge)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Latencies> {
        // Counts do not break half-way.
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, R> Engine<S, R> {
    /// An engine over the peers of `roster`.
    pub fn new(roster: Arc<Endpoints<S>>, rules: R, terms: Terms) -> Self {
        Self::with_budget(roster, rules, terms, None)
    }

    /// The same, whose retries and hedges are paid out of `budget`, if there is one.
    pub fn with_budget(
        roster: Arc<Endpoints<S>>,
        rules: R,
        terms: Terms,
        budget: Option<Budget>,
    ) -> Self {
        let first_look = roster.first_look();
        let watched = first_look.is_some() || terms.hedge.is_some();
        Self(Arc::new(Inner {
            watch: watched.then(|| Watch {
                hedge: terms.hedge,
                latencies: Mutex::default(),
                first_look,
            }),
            roster,
            rules,
            terms,
            budget,
        }))
    }

    /// Sends a request; what the [`Service`] does, without asking for `&mut`.
    pub fn send<Req>(&self, request: Req) -> ResponseFuture<S, R, Req>
    where
        R: Rules<Req>,
        S: Service<R::Attempt>,
    {
        ResponseFuture::new(Arc::clone(&self.0), request)
    }

    /// The peers, and how each is reached.
    pub fn roster(&self) -> &Arc<Endpoints<S>> {
        &self.0.roster
    }

    /// Every peer as it stands, primaries first.
    pub fn states(&self) -> Vec<PeerState> {
        self.0.roster.states()
    }
}

impl<S, R> Clone for Engine<S, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, R> std::fmt::Debug for Engine<S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("terms", &self.0.terms)
            .finish_non_exhaustive()
    }
}

impl<S, R, Req> Service<Req> for Engine<S, R>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone + Send + Sync + 'static,
{
    type Response = R::Response;
    type Error = Error;
    type Future = ResponseFuture<S, R, Req>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        self.send(request)
    }
}
