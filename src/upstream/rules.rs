use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::balance::{Affinity, Ending, Lease};
use crate::classify::{Condition, Outcome};
use crate::error::{BoxError, Error};
use crate::timeout::Deadline;

/// What the engine has to know of the requests it sends and the answers it gets.
///
/// The engine calls, in this order: [`deadline`](Self::deadline);
/// [`poll_prepare`](Self::poll_prepare) until it is ready;
/// [`affinity`](Self::affinity) before every pick; [`attempt`](Self::attempt) for every peer picked;
/// [`outcome`](Self::outcome) for what came of it; and [`finish`](Self::finish) for the answer the
/// caller gets. [`Plain`] is a small implementation.
pub trait Rules<Req> {
    /// What an endpoint's service is called with.
    type Attempt;
    /// What an endpoint's service answers.
    type Reply;
    /// How an endpoint's service fails.
    type Error: Into<BoxError>;
    /// What the caller gets.
    type Response;

    /// When the request's time is over, if the engine's own limit and the
    /// [current deadline](Deadline::current) end at `own`: the smaller of that and what the request
    /// carries. By default it carries nothing.
    fn deadline(&self, request: &mut Req, own: Option<Deadline>) -> Option<Deadline> {
        let _ = request;
        own
    }

    /// Takes in what must be there before a peer is chosen. An error ends the request.
    fn poll_prepare(&self, request: &mut Req, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let _ = (request, cx);
        Poll::Ready(Ok(()))
    }

    /// Where the request should go, for methods that ask. Asked before every pick, for a session may
    /// have moved since the last; a key and a client stay what they are.
    fn affinity(&self, request: &Req) -> Affinity {
        let _ = request;
        Affinity::default()
    }

    /// The next attempt, at `peer`; attempts are numbered from 1. `fresh` asks for a connection that
    /// has not served before.
    fn attempt(
        &self,
        request: &mut Req,
        peer: &Arc<str>,
        number: u32,
        fresh: bool,
    ) -> Self::Attempt;

    /// How the attempt ended.
    fn outcome(&self, result: &Result<Self::Reply, Self::Error>) -> Outcome;

    /// Sending the request twice does no more than sending it once.
    fn idempotent(&self, request: &Req) -> bool {
        let _ = request;
        true
    }

    /// All of the request can be sent again.
    fn replayable(&self, request: &Req) -> bool {
        let _ = request;
        true
    }

    /// The request moves on: earlier attempts read no more of it. False when they have meanwhile read
    /// what cannot be sent again.
    fn withdraw(&self, request: &Req) -> bool {
        let _ = request;
        true
    }

    /// Two attempts may be under way at the same time, for a hedge; by default what may be sent again
    /// may.
    fn may_run_twice(&self, request: &Req) -> bool {
        self.idempotent(request) && self.replayable(request)
    }

    /// A failure took the peer of attempt `number` out of use.
    fn disabled(&self, request: &Req, number: u32) {
        let _ = (request, number);
    }

    /// No peer could be chosen.
    fn none_left(&self, request: &Req) {
        let _ = request;
    }

    /// Lets go of an answer that the caller will not see; the request has moved on.
    fn discard(&self, reply: Self::Reply, ending: Ending) {
        let _ = (reply, ending);
    }

    /// Hands out the answer. `lease` is the attempt's, to be settled with `ending` when the answer
    /// is over; it is `None` when the attempt was settled before.
    fn finish(
        &self,
        request: Req,
        reply: Self::Reply,
        lease: Option<(Lease, Ending)>,
    ) -> Self::Response;
}

/// Rules for any service: requests are cloned for every attempt, a function tells endings apart, and
/// an attempt is over with its answer.
pub struct Plain<F, Res, Err> {
    classify: F,
    types: PhantomData<fn() -> (Res, Err)>,
}

impl<F, Res, Err> Plain<F, Res, Err>
where
    F: Fn(&Result<Res, Err>) -> Condition,
{
    /// Rules that tell endings apart with `classify`.
    pub fn new(classify: F) -> Self {
        Self {
            classify,
            types: PhantomData,
        }
    }
}

impl<Req, F, Res, Err> Rules<Req> for Plain<F, Res, Err>
where
    Req: Clone,
    F: Fn(&Result<Res, Err>) -> Condition,
    Err: Into<BoxError>,
{
    type Attempt = Req;
    type Reply = Res;
    type Error = Err;
    type Response = Res;

    fn attempt(&self, request: &mut Req, _: &Arc<str>, _: u32, _: bool) -> Req {
        request.clone()
    }

    fn outcome(&self, result: &Result<Res, Err>) -> Outcome {
        Outcome::new((self.classify)(result))
    }

    fn finish(&self, _: Req, reply: Res, lease: Option<(Lease, Ending)>) -> Res {
        if let Some((lease, ending)) = lease {
            lease.settle(ending);
        }
        reply
    }
}
