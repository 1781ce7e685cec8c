use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::peers::{PeerId, Verdict};
use crate::semantics::Semantics;

/// How an attempt ended: one fact, judged by the roster's [`Semantics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No usable answer, or a listed status that moved the request on.
    Failed,
    /// Moved on after a status that blames nobody (403, 404).
    Next,
    /// Answered to the end.
    Served,
    /// Answered with a listed status that could not move the request on (NU-8).
    Passed,
    /// Cut off within the body.
    Cut,
    /// The caller went away first.
    Dropped,
    /// Given up because of us: another attempt was faster, our own limit or time was used up. Not
    /// NGINX's, and never counted.
    Superseded,
}

impl Ending {
    /// What the ending says of the peer.
    pub(super) fn verdict(self, semantics: Semantics) -> Verdict {
        match (semantics, self) {
            (_, Self::Failed) => Verdict::Failed,
            (_, Self::Superseded) => Verdict::Neutral,
            // Whatever is not a failure is a success, even a caller that lost patience (MF-14).
            (Semantics::Nginx, _) => Verdict::Ok,
            (Semantics::Strict, Self::Passed | Self::Cut) => Verdict::Failed,
            (Semantics::Strict, Self::Served | Self::Next) => Verdict::OkIfCurrent,
            (Semantics::Strict, Self::Dropped) => Verdict::Neutral,
        }
    }
}

/// What a lease comes back to.
pub(super) trait Settle: Send + Sync {
    fn release(&self, id: PeerId, ending: Ending) -> bool;
    fn answered(&self, id: &mut PeerId, well: bool);
    fn stuck(&self, id: &PeerId) -> Option<Result<(), Duration>>;
}

/// One attempt booked on one peer. It is settled exactly once: by [`settle`](Self::settle), or as
/// [`Ending::Dropped`] when it is dropped, whichever await its owner died at.
#[must_use = "dropping a lease settles it as dropped"]
pub struct Lease {
    roster: Arc<dyn Settle>,
    id: PeerId,
    settled: bool,
}

impl Lease {
    pub(super) fn new(roster: Arc<dyn Settle>, id: PeerId) -> Self {
        Self {
            roster,
            id,
            settled: false,
        }
    }

    /// The peer it is booked on.
    pub fn peer(&self) -> PeerId {
        self.id
    }

    /// The peer has answered, `well` or not; the attempt goes on until it is settled. Methods and
    /// rules that go by answer times want to know, the others are told for nothing.
    pub fn answered(&mut self, well: bool) {
        self.roster.answered(&mut self.id, well);
    }

    /// Whether the peer is suspected of keeping this attempt waiting for ever (`Some(Ok)`), or when
    /// to ask again; `None`: nobody watches.
    pub(crate) fn stuck(&self) -> Option<Result<(), Duration>> {
        self.roster.stuck(&self.id)
    }

    /// Gives the booking back. True when this leaves the peer out of use ("temporarily disabled").
    pub fn settle(mut self, ending: Ending) -> bool {
        self.release(ending)
    }

    fn release(&mut self, ending: Ending) -> bool {
        if std::mem::replace(&mut self.settled, true) {
            return false;
        }
        self.roster.release(self.id, ending)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release(Ending::Dropped);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("peer", &self.id)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}
