use std::time::Duration;

use super::round_robin;
use super::walk::Walk;
use crate::breaker::{FailureRule, MaxFails, State};

/// What configuration says of one peer: the parameters of a `server` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Share of traffic, at least 1 (`weight`, default 1).
    pub weight: u32,
    /// Failures that take it out; 0 never does (`max_fails`, default 1).
    pub max_fails: u32,
    /// Seconds it is then left alone (`fail_timeout`, default 10).
    pub fail_timeout: u64,
    /// Attempts in flight at once; 0 is no limit (`max_conns`).
    pub max_conns: u32,
    /// Never chosen, yet counted as part of the group (`down`).
    pub down: bool,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            weight: 1,
            max_fails: 1,
            fail_timeout: 10,
            max_conns: 0,
            down: false,
        }
    }
}

/// One peer: everything known of it on one page.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) weight: i64,
    pub(super) effective_weight: i64,
    pub(super) current_weight: i64,
    /// What one failure costs: weight / max_fails, rounded down (MF-4).
    penalty: i64,
    circuit: MaxFails,
    conns: u32,
    max_conns: u32,
    down: bool,
    /// Bumped by every failure, so that a success begun before one can be told from a later one.
    generation: u32,
}

impl Peer {
    fn new(config: &PeerConfig) -> Self {
        let weight = i64::from(config.weight.max(1));
        Self {
            weight,
            effective_weight: weight,
            current_weight: 0,
            penalty: match config.max_fails {
                0 => 0,
                max_fails => weight / i64::from(max_fails),
            },
            circuit: MaxFails::new(config.max_fails, Duration::from_secs(config.fail_timeout)),
            conns: 0,
            max_conns: config.max_conns,
            down: config.down,
            generation: 0,
        }
    }

    /// ST-5 without the tried set.
    pub(super) fn eligible(&self, now: u64) -> bool {
        !self.down && !self.full() && self.circuit.state(Duration::from_secs(now)) != State::Open
    }

    fn full(&self) -> bool {
        self.max_conns != 0 && self.conns >= self.max_conns
    }

    fn as_of(&self, now: u64, backup: bool) -> PeerState {
        PeerState {
            state: self.circuit.state(Duration::from_secs(now)),
            fails: self.circuit.fails(),
            in_flight: self.conns,
            returns_at: self.circuit.barred_until().map(|at| at.as_secs()),
            weight: self.weight as u32,
            effective_weight: self.effective_weight as u32,
            down: self.down,
            backup,
        }
    }
}

/// Which peer of which list, and how far its past had come when it was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerId {
    backup: bool,
    index: u32,
    generation: u32,
}

impl PeerId {
    /// Position in its list, in configuration order.
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

/// A peer as it stands, for status pages and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// Closed, Open or HalfOpen, in the second asked about.
    pub state: State,
    /// Failures that still count.
    pub fails: u32,
    /// Attempts in flight.
    pub in_flight: u32,
    /// The first second in which a banned peer may be chosen again.
    pub returns_at: Option<u64>,
    /// Configured weight.
    pub weight: u32,
    /// Weight as failures have left it.
    pub effective_weight: u32,
    /// Marked `down`.
    pub down: bool,
    /// One of the backups.
    pub backup: bool,
}

/// The peers of a group: primaries, and backups for when none of those may be chosen.
#[derive(Clone, Debug)]
pub struct Peers {
    primary: Vec<Peer>,
    backup: Vec<Peer>,
    /// The lone peer of a group is neither banned nor counted (ST-1).
    single: bool,
    /// Peers not down, in both lists (TR-1).
    usable: u32,
}

impl Peers {
    /// A group without a past.
    pub fn new(primary: &[PeerConfig], backup: &[PeerConfig]) -> Self {
        Self {
            single: primary.len() == 1 && backup.is_empty(),
            usable: primary.iter().chain(backup).filter(|p| !p.down).count() as u32,
            primary: primary.iter().map(Peer::new).collect(),
            backup: backup.iter().map(Peer::new).collect(),
        }
    }

    /// Begins a request. `cap` limits its attempts; 0 is no cap (TR-2).
    pub fn walk(&self, cap: u32) -> Walk {
        Walk::new(self.single, self.usable).capped(cap)
    }

    /// Chooses a peer for the request's next attempt and books the attempt on it, in second `now`;
    /// `None` when no peer may be chosen (RR, NL).
    pub fn pick(&mut self, walk: &mut Walk, now: u64) -> Option<PeerId> {
        if self.single {
            let peer = self.primary.first()?;
            return (!peer.down && !peer.full()).then(|| self.book(walk, 0, now));
        }
        if !walk.backup {
            if let Some(index) = round_robin::pick(&mut self.primary, &walk.tried, now) {
                return Some(self.book(walk, index, now));
            }
            if self.backup.is_empty() {
                return None;
            }
            walk.turn_to_backups();
        }
        let index = round_robin::pick(&mut self.backup, &walk.tried, now)?;
        Some(self.book(walk, index, now))
    }

    fn list(&mut self, backup: bool) -> &mut [Peer] {
        if backup {
            &mut self.backup
        } else {
            &mut self.primary
        }
    }

    fn book(&mut self, walk: &mut Walk, index: usize, now: u64) -> PeerId {
        walk.tried.insert(index);
        let peer = &mut self.list(walk.backup)[index];
        peer.circuit.picked(Duration::from_secs(now));
        peer.conns += 1;
        PeerId {
            backup: walk.backup,
            index: index as u32,
            generation: peer.generation,
        }
    }

    /// Takes a booking back, once for every pick (MF-2 to MF-5). True when the peer is out of use from now on (MF-16).
    pub fn release(&mut self, id: PeerId, verdict: Verdict, now: u64) -> bool {
        let single = self.single;
        let Some(peer) = self.list(id.backup).get_mut(id.index()) else {
            return false;
        };
        peer.conns = peer.conns.saturating_sub(1);
        if single {
            return false;
        }
        match verdict {
            Verdict::Failed => {
                peer.generation = peer.generation.wrapping_add(1);
                peer.effective_weight = (peer.effective_weight - peer.penalty).max(0);
                return peer.circuit.failed(Duration::from_secs(now));
            }
            Verdict::Ok => peer.circuit.succeeded(Duration::from_secs(now)),
            Verdict::OkIfCurrent if peer.generation == id.generation => {
                peer.circuit.succeeded(Duration::from_secs(now));
            }
            Verdict::OkIfCurrent | Verdict::Neutral => {}
        }
        false
    }

    /// Every peer as it stands in second `now`, primaries first.
    pub fn states(&self, now: u64) -> Vec<PeerState> {
        let primary = self.primary.iter().map(|peer| peer.as_of(now, false));
        let backup = self.backup.iter().map(|peer| peer.as_of(now, true));
        primary.chain(backup).collect()
    }
}
