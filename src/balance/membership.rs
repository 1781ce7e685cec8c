//! Who belongs to a group changes; who stays keeps all that is known of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::list::List;
use super::peer::Peer;
use super::peers::{Peers, Place};
use super::setup::Member;
use super::walk::Walk;
use crate::semantics::Semantics;

/// What makes two members the same peer. The same line twice is two peers; they are told apart by
/// their order.
type Identity = (bool, Arc<str>, Arc<str>);

impl Peers {
    /// `now` is `None` at the start, where nobody is a newcomer.
    /// Tells the slots of the members, in their order.
    pub(super) fn replace<'a>(
        &mut self,
        members: impl IntoIterator<Item = &'a Member>,
        now: Option<Duration>,
    ) -> Vec<u32> {
        self.version += 1;
        let mut known = self.known();
        let mut fresh: [Vec<Peer>; 2] = Default::default();
        let mut slots = Vec::new();
        let mut free = 0;
        for member in members {
            let identity = identity(member.backup, &member.name, &member.origin);
            let kept = known.get_mut(&identity).and_then(Vec::pop);
            let peer = match kept {
                Some(mut peer) => {
                    peer.reconfigure(member, &self.setup);
                    peer
                }
                None => self.newcomer(member, &mut free, now),
            };
            slots.push(peer.slot);
            fresh[usize::from(member.backup)].push(peer);
        }
        // Slots of those that are gone are free only now: nobody new shares one with somebody old.
        self.places.iter_mut().for_each(|place| *place = None);
        for (side, peers) in fresh.into_iter().enumerate() {
            let (epoch, normal) = (self.lists[side].epoch + 1, self.lists[side].normal);
            self.lists[side] = List::of(peers, epoch, normal, &self.setup);
            for (index, peer) in self.lists[side].peers.iter().enumerate() {
                self.places[peer.slot as usize] = Some(Place {
                    backup: side == 1,
                    index: index as u32,
                });
            }
        }
        while self.places.last().is_some_and(Option::is_none) {
            self.places.pop();
        }
        self.single = self.lists[0].peers.len() == 1 && self.lists[1].peers.is_empty();
        let peers = self.lists.iter().flat_map(|list| &list.peers);
        self.usable = peers.filter(|peer| peer.usable()).count() as u32;
        slots
    }

    /// A request begins to pick, or the membership has changed under it. NGINX then has nobody for it
    /// (DN-3); else it goes on among the members of now.
    pub(super) fn board(&mut self, walk: &mut Walk) -> Option<()> {
        if let Some(old) = walk.version {
            if self.setup.semantics == Semantics::Nginx {
                return None;
            }
            let peers = || self.lists.iter().flat_map(|list| &list.peers);
            for newcomer in peers().filter(|peer| peer.version > old) {
                // The slot may have been another peer's, whom the request had asked.
                walk.tried.remove(newcomer.slot as usize);
            }
            let unasked = |peer: &&Peer| !walk.tried.contains(peer.slot as usize);
            // A lone peer may be asked again, but not by who comes from a larger group.
            if self.single && !peers().any(|peer| unasked(&peer)) {
                return None;
            }
            walk.backup = false;
            walk.draws = Default::default();
            let tries = peers().filter(unasked).filter(|peer| peer.usable()).count();
            walk.change(tries as u32);
        }
        walk.board(self.version, self.single, self.usable);
        Some(())
    }

    /// The peers there were, the last of each identity first.
    fn known(&mut self) -> HashMap<Identity, Vec<Peer>> {
        let mut known: HashMap<Identity, Vec<Peer>> = HashMap::new();
        for side in [0, 1] {
            for peer in self.lists[side].take().into_iter().rev() {
                let identity = identity(side == 1, &peer.name, &peer.origin);
                known.entry(identity).or_default().push(peer);
            }
        }
        known
    }

    /// Slots before `free` are taken.
    fn newcomer(&mut self, member: &Member, free: &mut usize, now: Option<Duration>) -> Peer {
        let mut peer = Peer::new(member, &self.setup, now);
        let next = self.places.iter().skip(*free).position(Option::is_none);
        let slot = next.map_or(self.places.len(), |next| *free + next);
        *free = slot + 1;
        if slot == self.places.len() {
            self.places.push(None);
        }
        // Taken; its true place follows.
        self.places[slot] = Some(Place::default());
        peer.slot = slot as u32;
        peer.serial = self.next_serial;
        peer.version = self.version;
        self.next_serial = self.next_serial.wrapping_add(1);
        peer
    }
}

fn identity(backup: bool, name: &Arc<str>, origin: &Arc<str>) -> Identity {
    (backup, Arc::clone(name), Arc::clone(origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{PeerId, Setup, Verdict};

    const NOW: Duration = Duration::from_secs(1_000_000_000);

    fn strict(names: &str) -> Peers {
        let setup = Setup {
            semantics: Semantics::Strict,
            ..Setup::default()
        };
        Peers::with(setup, &members(names))
    }

    /// A peer for every letter; capitals are backups.
    fn members(names: &str) -> Vec<Member> {
        let member = |name: char| Member {
            backup: name.is_uppercase(),
            ..Member::new(name.to_string())
        };
        names.chars().map(member).collect()
    }

    fn failing(peers: &mut Peers, walk: &mut Walk) -> Option<String> {
        let id = peers.pick(walk, NOW)?;
        let states = peers.states(NOW);
        let list = states.iter().filter(|peer| peer.backup == id.is_backup());
        let name = list
            .skip(id.index())
            .map(|peer| peer.name.to_string())
            .next();
        peers.release(id, Verdict::Failed, NOW);
        walk.spend();
        name
    }

    /// However often it changes, a request may ask everybody it has not asked, and nobody twice.
    #[test]
    fn a_request_goes_on_among_the_members_of_now() {
        let mut peers = strict("abc");
        let mut walk = Walk::new(0);
        let mut asked = Vec::new();
        for names in ["abc", "bcd", "dcef", "fdb", "fg"] {
            peers.set(&members(names), NOW);
            asked.extend(failing(&mut peers, &mut walk));
            assert!(walk.tries() > 0, "after {asked:?}");
        }
        asked.extend(failing(&mut peers, &mut walk));
        asked.sort();
        asked.dedup();
        assert_eq!((asked.len(), walk.tries()), (6, 0), "{asked:?}");
        peers.set(&members("f"), NOW);
        assert_eq!(failing(&mut peers, &mut walk), None, "it was asked");
    }

    /// From the backups no request comes back to the primaries, but for newcomers.
    #[test]
    fn primaries_that_come_are_asked_before_backups() {
        let mut peers = strict("aBC");
        let mut walk = Walk::new(0);
        assert_eq!(failing(&mut peers, &mut walk).as_deref(), Some("a"));
        assert_eq!(failing(&mut peers, &mut walk).as_deref(), Some("B"));
        peers.set(&members("adBC"), NOW);
        assert_eq!(failing(&mut peers, &mut walk).as_deref(), Some("d"));
        assert_eq!(failing(&mut peers, &mut walk).as_deref(), Some("C"));
    }

    #[test]
    fn a_cap_holds_through_all_changes() {
        let mut peers = strict("ab");
        let mut walk = Walk::new(3);
        for (names, left) in [("ab", 1), ("cde", 1), ("fgh", 0)] {
            peers.set(&members(names), NOW);
            failing(&mut peers, &mut walk).expect("somebody");
            assert_eq!(walk.tries(), left, "{names}");
        }
    }

    /// Slots are used again, and whoever comes back late finds nobody in its place.
    #[test]
    fn a_thousand_changes_leave_nothing_behind() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut peers = strict("abc");
        let mut out: Vec<PeerId> = Vec::new();
        for change in 0..1000 {
            let names: String = ('a'..='j')
                .chain('A'..='J')
                .filter(|_| random.bool())
                .collect();
            peers.set(&members(&names), NOW);
            for _ in 0..random.u8(..4) {
                out.extend(peers.pick(&mut Walk::new(0), NOW));
            }
            while out.len() > random.usize(..20) {
                let id = out.swap_remove(random.usize(..out.len()));
                peers.release(id, Verdict::Ok, NOW);
            }
            assert!(
                peers.places.len() <= 40,
                "{} at {change}",
                peers.places.len()
            );
            let places = peers.places.iter().flatten().count();
            assert_eq!(places, names.len(), "{change}");
        }
        out.into_iter().for_each(|id| {
            peers.release(id, Verdict::Ok, NOW);
        });
        assert!(peers.states(NOW).iter().all(|peer| peer.in_flight == 0));
        peers.set(&members("a"), NOW);
        peers.set(&members("b"), NOW);
        peers.set(&members("b"), NOW);
        assert!(peers.places.len() <= 2);
    }
}
