use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

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

/// What a count costs in NGINX on 64 bits, and its allocator's smallest place for one.
const NODE: u64 = 36;
const PLACE: u64 = 64;
const PAGE: u64 = 4096;

/// The bytes that one more key takes, counted as NGINX's allocator does. Ours takes as much, give or
/// take.
fn cost(key: &[u8]) -> u64 {
    let bytes = NODE + key.len() as u64;
    match bytes {
        ..=2048 => bytes.next_power_of_two().max(PLACE),
        _ => bytes.next_multiple_of(PAGE),
    }
}

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
        let used = self.used.saturating_add(cost(key));
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
            self.used -= cost(key);
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> u32 {
        self.keys.get(key).copied().unwrap_or(0)
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
        let mut counts = Counts::new(PLACE);
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
        let mut counts = Counts::new(2 * PLACE);
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

    #[test]
    fn a_limit_of_nothing_lets_nobody_in() {
        let mut counts = Counts::new(u64::MAX);
        assert_eq!(counts.enter(b"a", 0), Err(NotIn::Full));
        assert_eq!(counts.len(), 0);
    }
}
