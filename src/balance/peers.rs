use std::time::Duration;

use super::list::List;
use super::method::Method;
use super::peer::{Peer, PeerState};
use super::setup::{Member, PeerConfig, Setup};
use super::walk::Walk;

/// Which peer was picked, and what is known of the attempt so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerId {
    pub(super) slot: u32,
    pub(super) serial: u32,
    pub(super) backup: bool,
    pub(super) index: u32,
    /// How far the peer's past had come.
    pub(super) generation: u32,
    /// Since the wall clock's epoch.
    pub(super) begun: Duration,
    pub(super) answered: Option<Duration>,
    /// It was picked although it was suspected.
    pub(super) probe: bool,
    /// It is the probe that ends a ban.
    pub(super) trial: bool,
    /// Its header has been a sample already.
    pub(super) header_counted: bool,
    /// What it answered was no reason to stay: no sample (LT-2).
    pub(super) moved_on: bool,
}

impl PeerId {
    /// Position in its list when it was picked.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// It is one of the backups.
    pub fn is_backup(self) -> bool {
        self.backup
    }
}

/// How a peer is judged when an attempt on it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts against the peer.
    Failed,
    /// It counts for the peer; also NGINX's NEXT, a request that moved on without blame (MF-1).
    Ok,
    /// It counts for the peer unless the peer failed after the attempt began. Not NGINX's.
    OkIfCurrent,
    /// It says nothing: only the slot comes back. Not NGINX's.
    Neutral,
}

/// The peers of a group: primaries, and backups for when none of those may be chosen. `now` is the
/// time since the wall clock's epoch, and never runs back.
#[derive(Clone, Debug)]
pub struct Peers {
    pub(super) setup: Setup,
    pub(super) lists: [List; 2],
    /// Where the peer of each slot is.
    pub(super) places: Vec<Option<Place>>,
    /// The lone peer of a group is neither banned nor counted (ST-1).
    pub(super) single: bool,
    /// Peers that requests may choose, in both lists (TR-1).
    pub(super) usable: u32,
    /// Bumped by every change of membership.
    pub(super) version: u64,
    pub(super) next_serial: u32,
    pub(super) random: fastrand::Rng,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) backup: bool,
    pub(super) index: u32,
}

impl Peers {
    /// Round robin over peers without names, by NGINX's rules, without a past.
    pub fn new(primary: &[PeerConfig], backup: &[PeerConfig]) -> Self {
        let primary = primary.iter().map(|config| (false, *config));
        let backup = backup.iter().map(|config| (true, *config));
        let members = primary.chain(backup).enumerate();
        let members = members.map(|(number, (backup, config))| Member {
            backup,
            config,
            ..Member::new(number.to_string())
        });
        Self::with(Setup::default(), &members.collect::<Vec<_>>())
    }

    /// A group without a past.
    pub fn with(setup: Setup, members: &[Member]) -> Self {
        let mut peers = Self::empty(setup);
        peers.replace(members, None);
        peers
    }

    pub(super) fn empty(setup: Setup) -> Self {
        Self {
            random: fastrand::Rng::with_seed(setup.seed),
            setup,
            lists: Default::default(),
            places: Vec::new(),
            single: false,
            usable: 0,
            version: 0,
            next_serial: 0,
        }
    }

    /// The rules it works by.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Endings have to be told with the true time: somebody measures.
    pub(super) fn timed(&self) -> bool {
        let by_time = matches!(
            self.setup.method,
            Method::LeastTime { .. } | Method::PeakEwma
        );
        by_time
            || self.setup.slow_fault.is_some()
            || self.setup.slow_start.is_some()
            || self.setup.failure_rule.timed()
    }

    /// Answers have to be told as soon as they come, and not only with the ending.
    pub(super) fn wants_answers(&self) -> bool {
        let by_time = matches!(
            self.setup.method,
            Method::LeastTime { .. } | Method::PeakEwma
        );
        by_time || self.setup.slow_fault.is_some()
    }

    /// Begins a request. `cap` limits its attempts; 0 is no cap (TR-2).
    pub fn walk(&self, cap: u32) -> Walk {
        Walk::new(cap)
    }

    /// Where a picked peer is now, if it is still one of us.
    fn find(&self, id: &PeerId) -> Option<(usize, usize)> {
        let place = (*self.places.get(id.slot as usize)?)?;
        let (list, index) = (usize::from(place.backup), place.index as usize);
        (self.lists[list].peers[index].serial == id.serial).then_some((list, index))
    }

    /// The peer has answered, `well` or not; the attempt goes on.
    pub(super) fn answered(&mut self, id: &mut PeerId, well: bool, now: Duration) {
        if id.answered.replace(now).is_some() {
            return;
        }
        let Some((list, index)) = self.find(id) else {
            return;
        };
        let suspected = self.suspects(list, index, now);
        let list = &mut self.lists[list];
        let peer = &mut list.peers[index];
        let took = now.saturating_sub(id.begun);
        peer.note_suspicion(suspected);
        peer.silence.answered(took, now, id.probe);
        peer.note_suspicion(false);
        list.normal.answered(took);
        peer.times.took(took, !well, now);
        if self.setup.method.waits_for_headers() {
            peer.times.left(id.begun, now);
            if well {
                peer.times.header(took);
                id.header_counted = true;
            }
        }
    }

    /// It keeps an attempt waiting, and others besides: whether it is suspected now, and else when
    /// to ask again. `None`: nobody suspects anybody.
    pub(super) fn stuck(&mut self, id: &PeerId, now: Duration) -> Option<Result<(), Duration>> {
        let rule = self.setup.slow_fault?;
        let (side, index) = self.find(id)?;
        let suspected = self.suspects(side, index, now);
        let list = &mut self.lists[side];
        let peer = &mut list.peers[index];
        peer.note_suspicion(suspected);
        if suspected && !self.setup.shadow {
            return Some(Ok(()));
        }
        let patience = peer.silence.patience(&list.normal, &rule);
        Some(Err(patience.unwrap_or(rule.at_least)))
    }

    /// Takes a booking back, once for every pick (MF-2 to MF-5). True when the peer is out of use
    /// from now on (MF-16).
    pub fn release(&mut self, id: PeerId, verdict: Verdict, now: Duration) -> bool {
        let measured = self.timed();
        let Some((side, index)) = self.find(&id) else {
            return false;
        };
        let suspected = self.suspects(side, index, now);
        let setup = &self.setup;
        let list = &mut self.lists[side];
        let peer = &mut list.peers[index];
        let was_full = peer.limited() && peer.full(now, setup);
        peer.conns = peer.conns.saturating_sub(1);
        if was_full != (peer.limited() && peer.full(now, setup)) {
            list.epoch += 1;
        }
        if measured {
            peer.note_suspicion(suspected);
            peer.measure(&id, verdict, now, setup);
        }
        if self.single || peer.straggles(&id, setup) {
            return false;
        }
        let weight = peer.effective_weight;
        let barred = peer.barred_until;
        let current = peer.generation == id.generation;
        let mut out = false;
        match verdict {
            Verdict::Failed => out = peer.failed(now),
            Verdict::Ok => peer.succeeded(now, setup),
            Verdict::OkIfCurrent if current => peer.succeeded(now, setup),
            Verdict::OkIfCurrent | Verdict::Neutral => peer.abandoned(now),
        }
        let out = out && self.eject(side, index);
        let list = &mut self.lists[side];
        let peer = &list.peers[index];
        if weight != peer.effective_weight || barred != peer.barred_until {
            list.epoch += 1;
        }
        out
    }

    /// The failure rule would have a peer out of use; the cap and shadow mode have a say.
    fn eject(&mut self, side: usize, index: usize) -> bool {
        // Backups are there for when no primary is: as long as one is left, the primaries may go.
        let spare = side == 0 && self.lists[1].ejected().left() > 0;
        let list = &mut self.lists[side];
        let allowed = spare
            || list.peers[index].barred_until != Duration::ZERO
            || self.setup.cap.is_none_or(|cap| cap.allows(list.ejected()));
        let enforced = allowed && !self.setup.shadow;
        list.peers[index].eject(enforced);
        enforced
    }

    /// An active check has something to say of the peers of this name, or, if that is `None`,
    /// nothing any more.
    pub fn set_health(&mut self, name: &str, healthy: impl Into<Option<bool>>, now: Duration) {
        let healthy = healthy.into();
        for list in &mut self.lists {
            let mut changed = false;
            for peer in list.peers.iter_mut().filter(|peer| &*peer.name == name) {
                changed |= peer.set_health(healthy, now, &self.setup);
            }
            list.epoch += u64::from(changed);
        }
    }

    /// Another membership: what is known of those that stay is kept (DN-2), newcomers have no past
    /// and come up to their share as slow start says.
    pub fn set(&mut self, members: &[Member], now: Duration) {
        self.replace(members, Some(now));
    }

    /// Every peer as it stands, primaries first.
    pub fn states(&self, now: Duration) -> Vec<PeerState> {
        let unit = Peer::unit(&self.setup);
        let of = |side: usize| {
            let list = &self.lists[side];
            list.peers.iter().enumerate().map(move |(index, peer)| {
                let suspected = self.suspects(side, index, now);
                peer.as_of(now, side == 1, suspected, unit)
            })
        };
        of(0).chain(of(1)).collect()
    }
}
