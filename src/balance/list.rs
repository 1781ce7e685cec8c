use std::net::IpAddr;
use std::time::Duration;

use super::affinity::{Key, Route};
use super::cap::Ejected;
use super::choose::ring::Ring;
use super::choose::{Cycle, by_load, by_time, draw, round_robin};
use super::method::{Method, Times as Which};
use super::peer::Peer;
use super::setup::Setup;
use super::tried::Tried;
use super::walk::Draws;
use crate::breaker::Normal;

/// Primaries or backups, and what the method keeps for them as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    pub(super) peers: Vec<Peer>,
    /// Mean answer time of all.
    pub(super) normal: Normal,
    /// Bumped whenever what may be chosen changes, other than by time.
    pub(super) epoch: u64,
    cycle: Cycle,
    shares: draw::Shares,
    ring: Ring,
}

/// Who may be chosen (ST-5), in one place for every method.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) setup: &'a Setup,
    pub(super) tried: &'a Tried,
    pub(super) now: Duration,
    normal: Normal,
    /// Too few are left: bans are ignored.
    panic: bool,
    /// A silent peer gets no more than a few, for others are not silent.
    suspicious: bool,
}

impl Sight<'_> {
    pub(super) fn may(&self, peer: &Peer) -> bool {
        !(peer.out_of_use
            || self.tried.contains(peer.slot as usize)
            || peer.full(self.now, self.setup)
            || (peer.barred(self.now) && !self.panic)
            || self.left_alone(peer))
    }

    fn left_alone(&self, peer: &Peer) -> bool {
        self.suspicious
            && self.setup.slow_fault.is_some_and(|rule| {
                peer.silence.too_long(self.now, &self.normal, &rule)
                    && !peer.silence.may_probe(self.now, &rule)
            })
    }

    /// SK-3: for a request that is bound to it.
    fn may_bound(&self, peer: &Peer) -> bool {
        !(peer.refuses_bound()
            || self.tried.contains(peer.slot as usize)
            || peer.full(self.now, self.setup)
            || peer.barred(self.now))
    }
}

impl List {
    pub(super) fn of(peers: Vec<Peer>, epoch: u64, normal: Normal, setup: &Setup) -> Self {
        let ring = match setup.method {
            Method::ConsistentHash => Ring::of(&peers, Peer::unit(setup)),
            _ => Ring::default(),
        };
        Self {
            shares: draw::Shares::of(&peers),
            cycle: Cycle::default(),
            ring,
            normal,
            epoch,
            peers,
        }
    }

    /// Takes the peers out, their weights as the last choices left them.
    pub(super) fn take(&mut self) -> Vec<Peer> {
        self.cycle.leave(&mut self.peers);
        std::mem::take(&mut self.peers)
    }

    /// Who may be chosen by a request that has `tried` so many. `lenient` makes no difference
    /// between suspects and others; with a `spare` there is somebody else even for a lone peer.
    pub(super) fn sight<'a>(
        &self,
        setup: &'a Setup,
        tried: &'a Tried,
        now: Duration,
        lenient: bool,
        spare: bool,
    ) -> Sight<'a> {
        Sight {
            setup,
            tried,
            now,
            normal: self.normal,
            panic: setup.cap.is_some_and(|cap| self.panics(cap.panic, now)),
            suspicious: !lenient && !setup.shadow && (spare || self.has_fine(setup, now)),
        }
    }

    /// Some peer is not silent, so whoever is silent is so on its own account.
    fn has_fine(&self, setup: &Setup, now: Duration) -> bool {
        setup.slow_fault.is_some_and(|rule| {
            let fine = |peer: &Peer| {
                !peer.out_of_use
                    && !peer.barred(now)
                    && !peer.silence.too_long(now, &self.normal, &rule)
            };
            self.peers.iter().any(fine)
        })
    }

    /// Time alone may bring somebody back, other than from a ban: one who is left alone may be
    /// probed, one who is full may be given more.
    fn may_change(&self, sight: Sight<'_>) -> bool {
        let growing = sight.setup.slow_start.is_some();
        let asked = sight.suspicious || growing;
        let changes =
            |peer: &Peer| sight.left_alone(peer) || (growing && peer.grows(sight.now, sight.setup));
        asked && self.peers.iter().any(changes)
    }

    /// It is silent while others are not.
    pub(super) fn suspects(&self, index: usize, setup: &Setup, now: Duration, spare: bool) -> bool {
        setup.slow_fault.is_some_and(|rule| {
            self.peers[index].silence.too_long(now, &self.normal, &rule)
                && (spare || self.has_fine(setup, now))
        })
    }

    /// Somebody could be asked, as far as failures and checks say.
    pub(super) fn has_usable(&self, now: Duration) -> bool {
        let usable = |peer: &Peer| !peer.out_of_use && !peer.barred(now);
        self.peers.iter().any(usable)
    }

    fn panics(&self, percent: u32, now: Duration) -> bool {
        if percent == 0 {
            return false;
        }
        let in_use = self.peers.iter().filter(|peer| !peer.out_of_use);
        let (all, left) = in_use.fold((0, 0), |(all, left), peer| {
            (all + 1, left + u64::from(!peer.barred(now)))
        });
        left * 100 < all * u64::from(percent)
    }

    /// How many are out at the failure rule's word, of those that could be.
    pub(super) fn ejected(&self) -> Ejected {
        let in_use = self.peers.iter().filter(|peer| !peer.out_of_use);
        let count = |so_far: Ejected, peer: &Peer| Ejected {
            out: so_far.out + usize::from(peer.barred_until != Duration::ZERO),
            of: so_far.of + 1,
        };
        in_use.fold(Ejected::default(), count)
    }

    /// The peer a request is bound to, if it may have it (SK-3).
    pub(super) fn bound(&mut self, route: Route, sight: Sight<'_>) -> Option<usize> {
        let mut peers = self.peers.iter();
        let bound = peers.position(|peer| peer.route == Some(route) && sight.may_bound(peer))?;
        if sight.setup.method == Method::RoundRobin {
            self.cycle.leave(&mut self.peers);
            let total = self.shares.total() as i64;
            let may = |_: usize, peer: &Peer| sight.may(peer);
            round_robin::charge(&mut self.peers, bound, total, sight.setup, sight.now, may);
        }
        Some(bound)
    }

    /// The next peer by round robin.
    pub(super) fn in_turn(&mut self, sight: Sight<'_>) -> Option<usize> {
        if sight.tried.is_empty() {
            if let Some(next) = self.cycle.next(self.epoch, sight.now) {
                if !sight.left_alone(&self.peers[next]) {
                    self.cycle.advance();
                    return Some(next);
                }
            }
        }
        self.cycle.stop_replaying(&mut self.peers);
        let may = |_: usize, peer: &Peer| sight.may(peer);
        let order = 0..self.peers.len();
        let step = round_robin::step(&mut self.peers, order, sight.setup, sight.now, may)?;
        if step.steady && sight.tried.is_empty() && !self.may_change(sight) {
            self.cycle
                .record(step.best, &self.peers, self.epoch, sight.now, may);
        } else {
            self.cycle.leave(&mut self.peers);
        }
        Some(step.best)
    }

    /// LC, LT.
    pub(super) fn least(&mut self, sight: Sight<'_>) -> Option<usize> {
        let (setup, now) = (sight.setup, sight.now);
        let may = |_: usize, peer: &Peer| sight.may(peer);
        match setup.method {
            Method::LeastTime { by, inflight } => {
                by_load::least(&mut self.peers, setup, now, may, |peer| {
                    let time = peer.expected(by == Which::Header, inflight, now);
                    time * u64::from(peer.conns + 1)
                })
            }
            _ => by_load::least(&mut self.peers, setup, now, may, |peer| {
                u64::from(peer.conns)
            }),
        }
    }

    /// HS. `None`: it has drawn in vain too often.
    pub(super) fn by_key(&self, key: Key, draws: &mut Draws, sight: Sight<'_>) -> Option<usize> {
        let (total, unit) = (self.shares.total(), Peer::unit(sight.setup));
        while !draws.given_up() {
            let index = self.shares.owner(draw::hash(key, draws, total, unit));
            if sight.may(&self.peers[index]) {
                return Some(index);
            }
            draws.misses += 1;
        }
        None
    }

    /// CH.
    pub(super) fn on_ring(
        &mut self,
        key: Key,
        draws: &mut Draws,
        sight: Sight<'_>,
    ) -> Option<usize> {
        if draws.round == 0 {
            (draws.round, draws.at) = (1, self.ring.find(key));
        }
        while !draws.given_up() {
            let origin = self.ring.at(draws.at);
            if origin.len() > 1 {
                // They share a turn with requests that have no key.
                self.cycle.leave(&mut self.peers);
            }
            let order = origin.iter().map(|index| *index as usize);
            let may = |_: usize, peer: &Peer| sight.may(peer);
            let step = round_robin::step(&mut self.peers, order, sight.setup, sight.now, may);
            if let Some(step) = step {
                return Some(step.best);
            }
            // One point, not one server (CH-4).
            draws.at = draws.at.wrapping_add(1);
            draws.misses += 1;
        }
        None
    }

    /// IP.
    pub(super) fn by_address(
        &self,
        client: Option<IpAddr>,
        draws: &mut Draws,
        sight: Sight<'_>,
    ) -> Option<usize> {
        let (total, unit) = (self.shares.total(), Peer::unit(sight.setup));
        let mut h = match draws.round {
            0 => draw::ADDRESS_BEGIN,
            _ => draws.at,
        };
        while !draws.given_up() {
            h = draw::address(client, h);
            let index = self.shares.owner(draw::address_slot(h, total, unit));
            if sight.may(&self.peers[index]) {
                // Only a draw that was of use is gone on from (IP-3).
                (draws.round, draws.at) = (1, h);
                return Some(index);
            }
            draws.misses += 1;
        }
        None
    }

    /// RN, and peak EWMA's two choices.
    pub(super) fn by_chance(
        &self,
        random: &mut fastrand::Rng,
        draws: &mut Draws,
        sight: Sight<'_>,
    ) -> Option<usize> {
        let peak_ewma = sight.setup.method == Method::PeakEwma;
        let mut first: Option<usize> = None;
        while !draws.given_up() {
            let index = match peak_ewma {
                true => random.usize(..self.peers.len()),
                false => self.shares.owner(random.u64(..self.shares.total())),
            };
            if first == Some(index) || !sight.may(&self.peers[index]) {
                draws.misses += 1;
                continue;
            }
            match (sight.setup.method, first) {
                (Method::Random, _) => return Some(index),
                (_, None) => {
                    first = Some(index);
                    // NGINX counts the first of the two among the misses.
                    draws.misses += u32::from(!peak_ewma);
                }
                (Method::PeakEwma, Some(first)) => {
                    let pair = (first, index);
                    return Some(by_time::better(&self.peers, pair, sight.setup, sight.now));
                }
                (_, Some(first)) => return Some(self.less_busy(first, index)),
            }
        }
        // Of one it is known that it may.
        first.filter(|_| peak_ewma)
    }

    /// RN-3: on a tie the second.
    fn less_busy(&self, first: usize, second: usize) -> usize {
        let (one, two) = (&self.peers[first], &self.peers[second]);
        let busier = i64::from(two.conns) * one.weight > i64::from(one.conns) * two.weight;
        if busier { first } else { second }
    }
}
