use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Rate;
use super::table::{SLAB, Table, bytes_for};
use crate::clock::Clock;

/// A rate, and what the requests of every key have used up of it (`limit_req_zone`).
///
/// Clones have the same accounts, and so have all limits that use one zone, in whatever layers. The
/// memory is bounded: for each new key up to two of the oldest accounts are closed that have been idle
/// for a minute, and if there is still no room the oldest of all, whose key starts anew when it comes
/// back.
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    rate: Rate,
    accounts: Arc<Accounts>,
}

struct Accounts {
    table: Mutex<Table>,
    clock: Clock,
}

impl Zone {
    /// A zone of 10 MiB, which is some 81 000 addresses. Its name is for callers (`RateLimit-Policy`) and
    /// for shared stores.
    pub fn new(name: impl Into<Arc<str>>, rate: Rate) -> Self {
        Self::with_bytes(name, rate, 10 << 20)
    }

    /// For so many keys of up to 48 bytes each; longer ones take the room of several.
    pub fn with_keys(name: impl Into<Arc<str>>, rate: Rate, keys: u32) -> Self {
        Self::new_with(name, rate, Table::new(bytes_for(keys)))
    }

    /// With so many bytes of memory (`zone=name:10m`), at least 32 KiB. They are counted as NGINX does:
    /// 128 for a key of up to 48 bytes, such as an address, after some for itself. A zone of 32 KiB keeps
    /// 191 addresses, one of 1 MiB 8095.
    pub fn with_bytes(name: impl Into<Arc<str>>, rate: Rate, bytes: u64) -> Self {
        Self::new_with(name, rate, Table::new(SLAB.left_of(bytes)))
    }

    fn new_with(name: impl Into<Arc<str>>, rate: Rate, table: Table) -> Self {
        Self {
            name: name.into(),
            rate,
            accounts: Arc::new(Accounts {
                table: Mutex::new(table),
                clock: Clock::start(),
            }),
        }
    }

    /// The same accounts under another rate: for a configuration that is read again.
    pub fn at_rate(&self, rate: Rate) -> Self {
        Self {
            rate,
            ..self.clone()
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The keys that have an account now.
    pub fn keys(&self) -> usize {
        self.table().len()
    }

    /// Whether these have the same accounts.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.accounts, &other.accounts)
    }

    /// At least an address can be kept.
    pub(super) fn has_room(&self) -> bool {
        self.table().has_room()
    }

    /// Tells zones apart, and in which order they are locked.
    pub(super) fn id(&self) -> usize {
        Arc::as_ptr(&self.accounts) as usize
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        // The machine does not panic half-way through a change.
        let table = &self.accounts.table;
        table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds, as the accounts count them.
    pub(super) fn millis(&self, at: Instant) -> u64 {
        self.accounts.clock.time(at).as_millis() as u64
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zone")
            .field("name", &self.name)
            .field("rate", &self.rate)
            .field("keys", &self.keys())
            .finish()
    }
}
