//! Which peer is next: list by list, method by method.

use std::time::Duration;

use super::method::Method;
use super::peers::{PeerId, Peers};
use super::walk::Walk;

impl Peers {
    /// Chooses a peer for the request's next attempt and books the attempt on it; `None` when no
    /// peer may be chosen (RR, NL).
    pub fn pick(&mut self, walk: &mut Walk, now: Duration) -> Option<PeerId> {
        if walk.version != Some(self.version) {
            self.board(walk)?;
        }
        if self.single {
            return self.lone(walk, now);
        }
        let on_backups = walk.backup;
        let firm = self.choose(walk, now, false);
        // A suspect is better than nobody, but for an attempt that only joins another.
        let lenient = self.setup.slow_fault.is_some() && !walk.joins();
        let chosen = match firm {
            None if lenient => self.choose(walk, now, true),
            firm => firm,
        };
        let Some((backup, index)) = chosen else {
            // Whoever found nobody may look again.
            walk.backup = on_backups;
            return None;
        };
        Some(self.book(walk, backup, index, now))
    }

    fn lone(&mut self, walk: &mut Walk, now: Duration) -> Option<PeerId> {
        let peer = self.lists[0].peers.first()?;
        let bound = peer.route.is_some() && peer.route == walk.affinity.route;
        let refuses = match bound {
            true => peer.refuses_bound(),
            false => peer.out_of_use,
        };
        let free = !refuses && !peer.full(now, &self.setup);
        free.then(|| self.book(walk, false, 0, now))
    }

    /// Which list, and where in it.
    fn choose(&mut self, walk: &mut Walk, now: Duration, lenient: bool) -> Option<(bool, usize)> {
        if walk.stays() {
            let side = usize::from(walk.backup);
            let index = self.choose_from(side, walk, now, lenient)?;
            return Some((walk.backup, index));
        }
        // From the backups no request comes back to the primaries (RR-9), but for a suspect.
        if !walk.backup || lenient {
            if let Some(index) = self.choose_from(0, walk, now, lenient) {
                return Some((false, index));
            }
            if self.lists[1].peers.is_empty() {
                return None;
            }
            walk.backup = true;
        }
        let index = self.choose_from(1, walk, now, lenient)?;
        Some((true, index))
    }

    /// Backups make up for primaries that fall silent.
    fn spare(&self, list: usize, now: Duration) -> bool {
        list == 0 && self.setup.slow_fault.is_some() && self.lists[1].has_usable(now)
    }

    pub(super) fn suspects(&self, list: usize, index: usize, now: Duration) -> bool {
        let spare = self.spare(list, now);
        self.lists[list].suspects(index, &self.setup, now, spare)
    }

    fn choose_from(
        &mut self,
        list: usize,
        walk: &mut Walk,
        now: Duration,
        lenient: bool,
    ) -> Option<usize> {
        let spare = self.spare(list, now);
        let (setup, random) = (&self.setup, &mut self.random);
        let primaries = list == 0;
        let list = &mut self.lists[list];
        let sight = list.sight(setup, &walk.tried, now, lenient, spare);
        if let Some(index) = walk
            .affinity
            .route
            .and_then(|route| list.bound(route, sight))
        {
            return Some(index);
        }
        let drawn = primaries && list.peers.len() > 1;
        let (draws, affinity) = (&mut walk.draws, &walk.affinity);
        let found = match (setup.method, affinity.key) {
            (Method::RoundRobin, _) => None,
            (Method::LeastConn | Method::LeastTime { .. }, _) => return list.least(sight),
            (Method::Hash, Some(key)) if drawn => list.by_key(key, draws, sight),
            (Method::ConsistentHash, Some(key)) if drawn => list.on_ring(key, draws, sight),
            (Method::IpHash, _) if drawn => list.by_address(affinity.client, draws, sight),
            (Method::Random | Method::RandomTwo, _) if drawn => {
                list.by_chance(random, draws, sight)
            }
            (Method::PeakEwma, _) if list.peers.len() > 1 => list.by_chance(random, draws, sight),
            _ => None,
        };
        found.or_else(|| list.in_turn(sight))
    }

    fn book(&mut self, walk: &mut Walk, backup: bool, index: usize, now: Duration) -> PeerId {
        let probe = self.suspects(usize::from(backup), index, now);
        let measured = self.timed();
        let list = &mut self.lists[usize::from(backup)];
        let peer = &mut list.peers[index];
        walk.tried.insert(peer.slot as usize);
        let (barred, full) = (peer.barred_until, peer.full(now, &self.setup));
        let trial = peer.book(now);
        if measured {
            if self.setup.slow_fault.is_some() {
                peer.silence.sent(now, probe);
            }
            let fail_timeout = peer.fail_timeout();
            peer.times.sent(now, fail_timeout);
        }
        if barred != peer.barred_until || full != peer.full(now, &self.setup) {
            list.epoch += 1;
        }
        PeerId {
            slot: peer.slot,
            serial: peer.serial,
            backup,
            index: index as u32,
            generation: peer.generation,
            begun: now,
            answered: None,
            probe,
            trial,
            header_counted: false,
            moved_on: false,
        }
    }
}
