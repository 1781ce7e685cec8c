use crate::timeout::Deadline;

/// How a request is sent more than once. A [`RetryLayer`](super::RetryLayer) keeps the request once,
/// makes an attempt of it at a time, and asks before it repeats one.
///
/// ```
/// use tower_upstream::retry::Replay;
///
/// #[derive(Clone)]
/// struct Query { text: String, writes: bool }
///
/// /// Queries that write are repeated only when they were not sent.
/// #[derive(Clone)]
/// struct Queries;
///
/// impl Replay<Query> for Queries {
///     type Attempt = Query;
///     type Kept = Query;
///
///     fn keep(&self, request: Query) -> Query {
///         request
///     }
///
///     fn attempt(&self, kept: &mut Query, _: u32) -> Query {
///         kept.clone()
///     }
///
///     fn idempotent(&self, kept: &Query) -> bool {
///         !kept.writes
///     }
/// }
/// ```
pub trait Replay<Req> {
    /// What the inner service is called with.
    type Attempt;
    /// The request while it is on its way.
    type Kept;

    /// Takes in a request.
    fn keep(&self, request: Req) -> Self::Kept;

    /// The next attempt, after `previous` others.
    fn attempt(&self, kept: &mut Self::Kept, previous: u32) -> Self::Attempt;

    /// Sending it twice does no more than sending it once. Otherwise it is repeated only when nothing
    /// was sent, or under [`NON_IDEMPOTENT`](crate::NextUpstream::NON_IDEMPOTENT).
    fn idempotent(&self, kept: &Self::Kept) -> bool {
        let _ = kept;
        true
    }

    /// When the time of a request is over, if it says so: no retry begins then, nor after the
    /// [current](Deadline::current) deadline.
    fn deadline(&self, kept: &Self::Kept) -> Option<Deadline> {
        let _ = kept;
        None
    }

    /// The request is about to be repeated: earlier attempts read no more of it. False when all of it
    /// is no longer there to be sent again.
    fn withdraw(&self, kept: &Self::Kept) -> bool {
        let _ = kept;
        true
    }
}

/// Requests that are [`Clone`], one copy an attempt; all of them are taken for idempotent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cloned;

impl<Req: Clone> Replay<Req> for Cloned {
    type Attempt = Req;
    type Kept = Req;

    fn keep(&self, request: Req) -> Req {
        request
    }

    fn attempt(&self, kept: &mut Req, _: u32) -> Req {
        kept.clone()
    }
}
