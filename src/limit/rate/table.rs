use std::collections::HashMap;
use std::sync::Arc;

use super::{Bucket, Rate};
use crate::limit::slab::Slab;

/// The accounts of all keys, in bounded memory: who came last is kept longest (LR-10).
#[derive(Debug)]
pub(super) struct Table {
    index: HashMap<Arc<[u8]>, u32>,
    entries: Vec<Entry>,
    /// Places in `entries` whose account was closed.
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    used: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Entry {
    key: Arc<[u8]>,
    bucket: Bucket,
    newer: u32,
    older: u32,
}

/// No entry.
const NONE: u32 = u32::MAX;

/// An account, and its allocator's smallest place for one.
pub(super) const SLAB: Slab = Slab {
    node: 80,
    place: 128,
};

/// The bytes that so many keys take, if none is longer than an address.
pub(super) fn bytes_for(keys: u32) -> u64 {
    u64::from(keys) * SLAB.place
}

impl Table {
    /// An empty table for keys of so many bytes altogether.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            index: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            used: 0,
            // Places are numbered in 32 bits.
            bytes: bytes.min(u64::from(NONE) * SLAB.place),
        }
    }

    /// The account of this key, which is the newest now; a new one if there was none. `None`: there is
    /// no room for it, though the oldest account was closed.
    pub(super) fn open(&mut self, key: &[u8], rate: Rate, now: u64) -> Option<u32> {
        if let Some(&at) = self.index.get(key) {
            self.unlink(at);
            self.link(at);
            return Some(at);
        }
        let cost = SLAB.cost(key);
        self.close_idle(rate, now);
        if self.used + cost > self.bytes {
            self.close(self.oldest);
            self.close_idle(rate, now);
        }
        if self.used + cost > self.bytes {
            return None;
        }
        self.used += cost;
        let at = self.place(key.into());
        self.link(at);
        Some(at)
    }

    /// The account at a place that [`open`](Self::open) named.
    pub(super) fn bucket(&mut self, at: u32) -> &mut Bucket {
        &mut self.entries[at as usize].bucket
    }

    /// The account of this key as it is; a new one's if there is none.
    pub(super) fn peek(&self, key: &[u8]) -> Bucket {
        let at = self.index.get(key);
        at.map_or(Bucket::new(), |&at| self.entries[at as usize].bucket)
    }

    /// At least one short key can be kept.
    pub(super) fn has_room(&self) -> bool {
        self.bytes >= SLAB.place
    }

    /// Accounts.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Closes up to two of the oldest accounts, as long as they are idle.
    fn close_idle(&mut self, rate: Rate, now: u64) {
        for _ in 0..2 {
            let Some(oldest) = self.entries.get(self.oldest as usize) else {
                return;
            };
            if !oldest.bucket.is_idle(rate, now) {
                return;
            }
            self.close(self.oldest);
        }
    }

    fn close(&mut self, at: u32) {
        let Some(entry) = self.entries.get(at as usize) else {
            return;
        };
        self.used -= SLAB.cost(&entry.key);
        self.index.remove(&entry.key);
        self.unlink(at);
        // The key's bytes go now, not when the place is taken again.
        self.entries[at as usize].key = Arc::default();
        self.free.push(at);
    }

    fn place(&mut self, key: Arc<[u8]>) -> u32 {
        let entry = Entry {
            key: Arc::clone(&key),
            bucket: Bucket::new(),
            newer: NONE,
            older: NONE,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        self.index.insert(key, at);
        at
    }

    fn link(&mut self, at: u32) {
        let older = std::mem::replace(&mut self.newest, at);
        self.entries[at as usize].newer = NONE;
        self.entries[at as usize].older = older;
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = at,
            None => self.oldest = at,
        }
    }

    fn unlink(&mut self, at: u32) {
        let Entry { newer, older, .. } = self.entries[at as usize];
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }
}
