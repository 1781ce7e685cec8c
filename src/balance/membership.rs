//! Who belongs to a group changes; who stays keeps all that is known of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::list::List;
use super::peer::Peer;
use super::peers::{Peers, Place};
use super::setup::Member;

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
        for member in members {
            let identity = identity(member.backup, &member.name, &member.origin);
            let kept = known.get_mut(&identity).and_then(Vec::pop);
            let peer = match kept {
                Some(mut peer) => {
                    peer.reconfigure(member, &self.setup);
                    peer
                }
                None => self.newcomer(member, now),
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

    fn newcomer(&mut self, member: &Member, now: Option<Duration>) -> Peer {
        let mut peer = Peer::new(member, &self.setup, now);
        let free = self.places.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.places.len());
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
