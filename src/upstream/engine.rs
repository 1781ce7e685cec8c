use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::future::ResponseFuture;
use super::rules::Rules;
use crate::balance::{PeerId, PeerState, Roster};
use crate::error::Error;
use crate::retry::Terms;

/// A peer's name, for errors and logs, and the service that reaches it.
#[derive(Clone, Debug)]
pub struct Endpoint<S> {
    /// What errors call it.
    pub name: Arc<str>,
    /// Cloned for every attempt, so a clone must be cheap.
    pub service: S,
}

/// Pick, try, classify, exclude, next: the one loop, over any [`Service`] per peer.
///
/// It is always ready; an endpoint's readiness is awaited inside the call, where it belongs to one
/// attempt and can be given up. Dropping the response future gives everything back.
#[derive(Debug)]
pub struct Engine<S, R>(Arc<Inner<S, R>>);

#[derive(Debug)]
pub(super) struct Inner<S, R> {
    pub(super) roster: Arc<Roster>,
    pub(super) primary: Vec<Endpoint<S>>,
    pub(super) backup: Vec<Endpoint<S>>,
    pub(super) rules: R,
    pub(super) terms: Terms,
}

impl<S, R> Inner<S, R> {
    pub(super) fn endpoint(&self, peer: PeerId) -> &Endpoint<S> {
        let list = if peer.is_backup() {
            &self.backup
        } else {
            &self.primary
        };
        &list[peer.index()]
    }
}

impl<S, R> Engine<S, R> {
    /// An engine over the peers of `roster`, reached through `primary` and `backup` in the same order.
    ///
    /// # Panics
    ///
    /// When the roster does not hold exactly as many primaries and backups.
    pub fn new(
        roster: Arc<Roster>,
        primary: Vec<Endpoint<S>>,
        backup: Vec<Endpoint<S>>,
        rules: R,
        terms: Terms,
    ) -> Self {
        let states = roster.states();
        let backups = states.iter().filter(|peer| peer.backup).count();
        assert_eq!(
            (states.len() - backups, backups),
            (primary.len(), backup.len()),
            "one endpoint for every peer of the roster"
        );
        Self(Arc::new(Inner {
            roster,
            primary,
            backup,
            rules,
            terms,
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

impl<S, R, Req> Service<Req> for Engine<S, R>
where
    R: Rules<Req>,
    S: Service<R::Attempt, Response = R::Reply, Error = R::Error> + Clone,
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
