use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Idle things by the peer they belong to, oldest first. `at` is told, never read.
#[derive(Debug)]
pub(super) struct Idle<K, T> {
    entries: Vec<Entry<K, T>>,
    max: usize,
    timeout: Duration,
    /// Whose are kept, once that has ever changed; until then everybody's.
    peers: Option<Arc<HashSet<K>>>,
}

#[derive(Debug)]
struct Entry<K, T> {
    peer: K,
    id: u64,
    since: Instant,
    item: T,
}

impl<K: Eq + Hash, T> Idle<K, T> {
    pub(super) fn new(max: usize, timeout: Duration) -> Self {
        Self {
            entries: Vec::new(),
            max,
            timeout,
            peers: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The newest of a peer that is fit (KA-2).
    pub(super) fn take(&mut self, peer: &K, fit: impl Fn(&T) -> bool) -> Option<T> {
        let mut entries = self.entries.iter();
        let newest = entries.rposition(|entry| entry.peer == *peer && fit(&entry.item))?;
        Some(self.entries.remove(newest).item)
    }

    /// Keeps one, and gives back the one that has to go for it (KA-3).
    pub(super) fn put(&mut self, peer: K, id: u64, item: T, at: Instant) -> Option<T> {
        let known = self
            .peers
            .as_ref()
            .is_none_or(|peers| peers.contains(&peer));
        if self.max == 0 || !known {
            return Some(item);
        }
        let oldest = (self.entries.len() >= self.max).then(|| self.entries.remove(0).item);
        self.entries.push(Entry {
            peer,
            id,
            since: at,
            item,
        });
        oldest
    }

    /// From now on only these peers' are kept. Takes out the others.
    pub(super) fn only(&mut self, peers: Arc<HashSet<K>>) -> Vec<T> {
        let all = std::mem::take(&mut self.entries).into_iter();
        let (left, gone): (_, Vec<_>) = all.partition(|entry| peers.contains(&entry.peer));
        self.entries = left;
        self.peers = Some(peers);
        gone.into_iter().map(|entry| entry.item).collect()
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        let index = self.entries.iter().position(|entry| entry.id == id)?;
        Some(self.entries.remove(index).item)
    }

    /// Takes one out if it has been idle for the whole timeout; else says when it might be.
    pub(super) fn expire(&mut self, id: u64, at: Instant) -> Result<T, Instant> {
        let since = match self.entries.iter().find(|entry| entry.id == id) {
            Some(entry) => entry.since,
            // It is in use.
            None => return Err(at + self.timeout),
        };
        let end = since + self.timeout;
        if at < end {
            return Err(end);
        }
        self.remove(id).ok_or(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_newest_of_a_peer_is_used_first() {
        let now = clock::now();
        let mut idle = Idle::new(8, MINUTE);
        for (peer, id) in [(0, 1), (1, 2), (0, 3)] {
            assert_eq!(idle.put(peer, id, id, now), None);
        }
        assert_eq!(idle.take(&0, |_| true), Some(3));
        assert_eq!(idle.take(&0, |_| true), Some(1));
        assert_eq!(idle.take(&0, |_| true), None);
        assert_eq!(idle.take(&1, |_| true), Some(2));
    }

    #[test]
    fn a_full_list_closes_the_oldest_of_any_peer() {
        let now = clock::now();
        let mut idle = Idle::new(1, MINUTE);
        assert_eq!(idle.put(0, 1, 'a', now), None);
        assert_eq!(idle.put(1, 2, 'b', now), Some('a'));
        assert_eq!(
            (idle.take(&0, |_| true), idle.take(&1, |_| true)),
            (None, Some('b'))
        );
    }

    #[test]
    fn peers_that_are_gone_are_forgotten() {
        let now = clock::now();
        let mut idle = Idle::new(8, MINUTE);
        for (peer, id) in [(0, 1), (1, 2), (0, 3), (2, 4)] {
            idle.put(peer, id, id, now);
        }
        assert_eq!(idle.only(Arc::new([1, 2].into())), [1, 3]);
        assert_eq!(
            (idle.len(), idle.take(&0, |_| true), idle.take(&2, |_| true)),
            (2, None, Some(4))
        );
        assert_eq!(idle.put(0, 5, 5, now), Some(5), "it was in use meanwhile");
        assert_eq!(idle.put(1, 6, 6, now), None);
        assert!(idle.only(Arc::new([0, 1].into())).is_empty());
        assert_eq!(
            (idle.put(0, 7, 7, now), idle.take(&0, |_| true)),
            (None, Some(7))
        );
    }

    #[test]
    fn nothing_is_kept_in_a_list_of_none() {
        let mut idle = Idle::new(0, MINUTE);
        assert_eq!(idle.put(0, 1, 'a', clock::now()), Some('a'));
    }

    #[test]
    fn only_the_whole_timeout_expires() {
        let now = clock::now();
        let mut idle = Idle::new(8, MINUTE);
        idle.put(0, 1, 'a', now);
        assert_eq!(idle.expire(1, now + MINUTE / 2), Err(now + MINUTE));
        assert_eq!(idle.expire(1, now + MINUTE), Ok('a'));
        assert_eq!(idle.expire(1, now + MINUTE), Err(now + 2 * MINUTE));
    }
}
