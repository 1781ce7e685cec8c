use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::counts::{Counts, NotIn, SLAB};
use crate::limit::Key;

/// How many are in at this moment, for each key (`limit_conn_zone`). Clones count together.
///
/// A key takes memory only while somebody is in under it, so there are never more keys than callers.
///
/// ```
/// use tower_upstream::limit::Key;
/// use tower_upstream::limit::bulkhead::{NotIn, Zone};
///
/// let zone = Zone::new();
/// let first = zone.enter(&Key::from("alice"), 2)?;
/// let second = zone.enter(&Key::from("alice"), 2)?;
/// assert_eq!(zone.enter(&Key::from("alice"), 2).unwrap_err(), NotIn::Full);
/// drop(first);
/// zone.enter(&Key::from("alice"), 2)?;
/// # drop(second);
/// # Ok::<(), NotIn>(())
/// ```
#[derive(Clone)]
pub struct Zone(Arc<Mutex<Counts>>);

impl Zone {
    /// Bounded by nothing but its callers.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Counts::new(u64::MAX))))
    }

    /// With so many bytes of memory (`zone=name:10m`), at least 32 KiB. They are counted as NGINX does:
    /// 64 for a key of up to 28 bytes, such as an address, after some for itself. A zone of 32 KiB keeps
    /// 383 addresses, one of 64 KiB 895. Without room for one more key, its callers are not let in.
    pub fn with_bytes(bytes: u64) -> Self {
        Self(Arc::new(Mutex::new(Counts::new(SLAB.left_of(bytes)))))
    }

    /// One more under `key`, if fewer than `most` are in, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// As many are in as may be, or there is no room for the key.
    pub fn enter(&self, key: &Key<'_>, most: u32) -> Result<Presence, NotIn> {
        let key = self.counts().enter(key.as_bytes(), most)?;
        Ok(Presence {
            zone: self.clone(),
            key,
        })
    }

    /// How many are in under `key`.
    pub fn present(&self, key: &Key<'_>) -> u32 {
        self.counts().get(key.as_bytes())
    }

    /// Keys somebody is in under.
    pub fn keys(&self) -> usize {
        self.counts().len()
    }

    /// Whether these count together.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// At least an address has room.
    pub(super) fn has_room(&self) -> bool {
        self.counts().has_room()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // The machine does not panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zone").field("keys", &self.keys()).finish()
    }
}

/// One who is in under a key of a [`Zone`], until this is dropped.
#[must_use = "who is not kept has left"]
pub struct Presence {
    zone: Zone,
    key: Arc<[u8]>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.zone.counts().leave(&self.key);
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Presence")
            .field(&Key::from(&*self.key))
            .finish()
    }
}
