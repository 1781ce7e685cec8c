use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::gone::Presence;
use super::lease::{Ending, Lease, Settle};
use super::peer::PeerState;
use super::peers::{PeerId, Peers, Verdict};
use super::setup::{Member, Setup};
use super::walk::Walk;
use crate::clock::{self, Clock};
use crate::semantics::Semantics;

/// The peers of a group and the way to each, behind one short lock, and the clock they are judged by.
///
/// The membership is one snapshot: a pick sees all of a change or nothing of it, for it takes the
/// lock anyway, and whoever has picked keeps what it picked.
#[derive(Debug)]
pub struct Roster<E> {
    book: Mutex<Book<E>>,
    clock: Clock,
    semantics: Semantics,
    /// Successes are told with the true time; else they are spared the clock.
    timed: bool,
    wants_answers: bool,
    first_look: Option<Duration>,
    presence: Presence,
}

#[derive(Debug)]
struct Book<E> {
    peers: Peers,
    /// The way to each peer, by slot.
    ways: Vec<Option<E>>,
}

impl<E> Book<E> {
    fn replace(&mut self, members: Vec<(Member, E)>, now: Option<Duration>) -> Vec<Option<E>> {
        let slots = self.peers.replace(members.iter().map(|(m, _)| m), now);
        let len = slots.iter().max().map_or(0, |slot| *slot as usize + 1);
        let mut ways: Vec<Option<E>> = std::iter::repeat_with(|| None).take(len).collect();
        for (slot, (_, way)) in slots.into_iter().zip(members) {
            ways[slot as usize] = Some(way);
        }
        std::mem::replace(&mut self.ways, ways)
    }
}

impl<E> Roster<E> {
    /// A group without a past. `E` is how a peer is reached; it is cloned for every pick.
    pub fn new(setup: Setup, members: Vec<(Member, E)>) -> Self {
        let semantics = setup.semantics;
        let first_look = setup.slow_fault.map(|rule| rule.at_least);
        let mut book = Book {
            peers: Peers::empty(setup),
            ways: Vec::new(),
        };
        book.replace(members, None);
        Self {
            timed: book.peers.timed(),
            wants_answers: book.peers.wants_answers(),
            book: Mutex::new(book),
            clock: Clock::start(),
            semantics,
            first_look,
            presence: Presence::new(),
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

    /// How long an attempt may wait before anybody asks whether its peer is suspected; `None` when
    /// nobody is ever suspected.
    pub(crate) fn first_look(&self) -> Option<Duration> {
        self.first_look
    }

    /// Begins a request; `cap` limits its attempts, 0 is no cap.
    pub fn walk(&self, cap: u32) -> Walk {
        Walk::new(cap)
    }

    /// Every peer as it stands, primaries first.
    pub fn states(&self) -> Vec<PeerState> {
        let now = self.clock.time(clock::now());
        self.lock().peers.states(now)
    }

    /// Another membership, at once and for all. What is known of those that stay is kept, requests in
    /// flight finish where they are.
    pub fn set(&self, members: Vec<(Member, E)>) {
        let now = self.clock.time(clock::now());
        let gone = self.lock().replace(members, Some(now));
        // Outside the lock: a way may take its time to close.
        drop(gone);
    }

    /// Ends once the roster is gone, with the last request in flight. It does not keep it alive, so
    /// that whoever changes its members knows when to stop. Cancel safe.
    pub fn gone(&self) -> impl Future<Output = ()> + Send + Sync + use<E> {
        self.presence.over()
    }

    /// What an active check says of the peers of this name, a verdict beside that of the failures;
    /// `None` when nobody checks them any more.
    pub fn set_health(&self, name: &str, healthy: impl Into<Option<bool>>) {
        let now = self.clock.time(clock::now());
        self.lock().peers.set_health(name, healthy, now);
    }

    fn lock(&self) -> MutexGuard<'_, Book<E>> {
        // The machine does not panic half-way through a change.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Clone + Send + 'static> Roster<E> {
    /// Chooses a peer and books an attempt on it, or `None` when no peer may be chosen.
    pub fn pick(self: &Arc<Self>, walk: &mut Walk, at: Instant) -> Option<(Lease, E)> {
        let now = self.clock.time(at);
        let mut book = self.lock();
        let id = book.peers.pick(walk, now)?;
        let way = book.ways.get(id.slot as usize).cloned().flatten();
        drop(book);
        let lease = Lease::new(Arc::clone(self) as Arc<dyn Settle>, id);
        Some((lease, way?))
    }
}

impl<E: Send> Settle for Roster<E> {
    fn release(&self, mut id: PeerId, ending: Ending) -> bool {
        id.moved_on = ending == Ending::Next;
        let verdict = ending.verdict(self.semantics);
        let now = match verdict {
            Verdict::Failed => self.clock.time(clock::now()),
            _ if self.timed => self.clock.time(clock::now()),
            _ => id.begun,
        };
        self.lock().peers.release(id, verdict, now)
    }

    fn answered(&self, id: &mut PeerId, well: bool) {
        if self.wants_answers {
            let now = self.clock.time(clock::now());
            self.lock().peers.answered(id, well, now);
        }
    }

    fn stuck(&self, id: &PeerId) -> Option<Result<(), Duration>> {
        if !self.wants_answers {
            return None;
        }
        let now = self.clock.time(clock::now());
        self.lock().peers.stuck(id, now)
    }
}
