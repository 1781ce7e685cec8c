use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::peers::{PeerId, PeerState, Peers, Verdict};
use super::walk::Walk;
use crate::clock::{self, Clock};
use crate::semantics::Semantics;

/// The peers of a group behind one short lock, and the clock they are judged by.
#[derive(Debug)]
pub struct Roster {
    peers: Mutex<Peers>,
    /// How every request begins.
    walk: Walk,
    clock: Clock,
    semantics: Semantics,
}

impl Roster {
    /// Puts peers behind the door.
    pub fn new(peers: Peers, semantics: Semantics) -> Self {
        Self {
            walk: peers.walk(0),
            peers: Mutex::new(peers),
            clock: Clock::start(),
            semantics,
        }
    }

    /// Takes `epoch` for the wall clock's reading at the start. Bans are counted in whole seconds
    /// (TB-1), so a simulation that is to be repeatable has to fix the fraction it starts at.
    pub fn epoch(mut self, epoch: Duration) -> Self {
        self.clock = self.clock.epoch(epoch);
        self
    }

    /// Which rules decide where NGINX's own behaviour is hazardous.
    pub fn semantics(&self) -> Semantics {
        self.semantics
    }

    /// Begins a request; `cap` limits its attempts, 0 is no cap.
    pub fn walk(&self, cap: u32) -> Walk {
        self.walk.clone().capped(cap)
    }

    /// Chooses a peer and books an attempt on it, or `None` when no peer may be chosen.
    pub fn pick(self: &Arc<Self>, walk: &mut Walk, at: Instant) -> Option<Lease> {
        let now = self.clock.second(at);
        let id = self.lock().pick(walk, now)?;
        Some(Lease {
            roster: Arc::clone(self),
            id,
            settled: false,
        })
    }

    /// Every peer as it stands, primaries first.
    pub fn states(&self) -> Vec<PeerState> {
        let now = self.clock.second(clock::now());
        self.lock().states(now)
    }

    fn lock(&self) -> MutexGuard<'_, Peers> {
        // The machine does not panic half-way through a change.
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
}

impl Ending {
    /// What the ending says of the peer.
    fn verdict(self, semantics: Semantics) -> Verdict {
        match (semantics, self) {
            (_, Self::Failed) => Verdict::Failed,
            // Whatever is not a failure is a success, even a caller that lost patience (MF-14).
            (Semantics::Nginx, _) => Verdict::Ok,
            (Semantics::Strict, Self::Passed | Self::Cut) => Verdict::Failed,
            (Semantics::Strict, Self::Served | Self::Next) => Verdict::OkIfCurrent,
            (Semantics::Strict, Self::Dropped) => Verdict::Neutral,
        }
    }
}

/// One attempt booked on one peer. It is settled exactly once: by [`settle`](Self::settle), or as
/// [`Ending::Dropped`] when it is dropped, whichever await its owner died at.
#[derive(Debug)]
#[must_use = "dropping a lease settles it as dropped"]
pub struct Lease {
    roster: Arc<Roster>,
    id: PeerId,
    settled: bool,
}

impl Lease {
    /// The peer it is booked on.
    pub fn peer(&self) -> PeerId {
        self.id
    }

    /// Gives the booking back. True when this leaves the peer out of use ("temporarily disabled").
    pub fn settle(mut self, ending: Ending) -> bool {
        self.release(ending)
    }

    fn release(&mut self, ending: Ending) -> bool {
        if std::mem::replace(&mut self.settled, true) {
            return false;
        }
        let verdict = ending.verdict(self.roster.semantics);
        let now = match verdict {
            // Only failures are stamped; the common case is spared the clock.
            Verdict::Failed => self.roster.clock.second(clock::now()),
            Verdict::Ok | Verdict::OkIfCurrent | Verdict::Neutral => 0,
        };
        self.roster.lock().release(self.id, verdict, now)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release(Ending::Dropped);
    }
}
