use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::limit::slab::Slab;

/// How many are in, for each key. A key takes memory only while somebody is in under it.
#[derive(Debug)]
pub(super) struct Counts {
    keys: HashMap<Arc<[u8]>, u32>,
    used: u64,
    bytes: u64,
}

/// Why somebody did not get in under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIn {
    /// As many are in under it as may be.
    Full,
    /// There is no room for one more key (LN-3).
    NoRoom,
}

impl fmt::Display for NotIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "as many are in as may be",
            Self::NoRoom => "no room for one more key",
        })
    }
}

impl std::error::Error for NotIn {}

/// A count, and its allocator's smallest place for one.
pub(super) const SLAB: Slab = Slab {
    node: 36,
    place: 64,
};

impl Counts {
    /// Nobody is in, and there is room for keys of so many bytes altogether.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            keys: HashMap::new(),
            used: 0,
            bytes,
        }
    }

    /// One more under `key`, if fewer than `most` are in. The key, to leave by.
    pub(super) fn enter(&mut self, key: &[u8], most: u32) -> Result<Arc<[u8]>, NotIn> {
        if let Some((known, count)) = self.keys.get_key_value(key) {
            if *count >= most {
                return Err(NotIn::Full);
            }
            let known = Arc::clone(known);
            if let Some(count) = self.keys.get_mut(key) {
                *count += 1;
            }
            return Ok(known);
        }
        if most == 0 {
            return Err(NotIn::Full);
        }
        let used = self.used.saturating_add(SLAB.cost(key));
        if used > self.bytes {
            return Err(NotIn::NoRoom);
        }
        self.used = used;
        let key: Arc<[u8]> = key.into();
        self.keys.insert(Arc::clone(&key), 1);
        Ok(key)
    }

    /// One fewer under `key`, which is forgotten with the last.
    pub(super) fn leave(&mut self, key: &[u8]) {
        let Some(count) = self.keys.get_mut(key) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.keys.remove(key);
            self.used -= SLAB.cost(key);
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> u32 {
        self.keys.get(key).copied().unwrap_or(0)
    }

    /// At least one short key has room.
    pub(super) fn has_room(&self) -> bool {
        self.bytes >= SLAB.place
    }

    /// Keys somebody is in under.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_only_while_somebody_is_in() {
        let mut counts = Counts::new(SLAB.place);
        for number in 0..1000_u32 {
            let key = number.to_be_bytes();
            assert!(counts.enter(&key, 1).is_ok());
            assert_eq!(counts.enter(&key, 1), Err(NotIn::Full));
            counts.leave(&key);
        }
        assert_eq!((counts.len(), counts.used), (0, 0));
        counts.leave(b"nobody");
        assert_eq!(counts.get(b"nobody"), 0);
    }

    #[test]
    fn without_room_only_known_keys_enter() {
        let mut counts = Counts::new(2 * SLAB.place);
        counts.enter(b"a", 2).unwrap();
        counts.enter(b"b", 2).unwrap();
        assert_eq!(counts.enter(b"c", 2), Err(NotIn::NoRoom));
        counts.enter(b"a", 2).unwrap();
        counts.leave(b"b");
        // A long one takes two places.
        assert_eq!(counts.enter(&[b'x'; 64], 2), Err(NotIn::NoRoom));
        counts.enter(b"c", 2).unwrap();
        assert_eq!((counts.get(b"a"), counts.get(b"c")), (2, 1));
    }

    /// As many as were counted in NGINX.
    #[test]
    fn a_zone_holds_as_many_keys_as_nginxs() {
        for (bytes, keys) in [(32 << 10, 383), (64 << 10, 895)] {
            let mut counts = Counts::new(SLAB.left_of(bytes));
            let full = |number: &u32| counts.enter(&number.to_be_bytes(), 1).is_err();
            assert_eq!((0..10_000).find(full), Some(keys));
        }
    }

    #[test]
    fn a_limit_of_nothing_lets_nobody_in() {
        let mut counts = Counts::new(u64::MAX);
        assert_eq!(counts.enter(b"a", 0), Err(NotIn::Full));
        assert_eq!(counts.len(), 0);
    }
}
