use std::fmt;
use std::sync::Arc;

use super::core::Core;

/// A bulkhead at one moment. Whoever comes is at last counted once: admitted, one of the rejected, shed,
/// expired or cancelled. In a dry run all are let through, and counted as what they would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// How many may be served at once.
    pub limit: usize,
    /// Being served now, to the end of their responses' bodies; and those whose turn it is, but who have
    /// not noticed yet.
    pub in_flight: usize,
    /// Waiting for their turn.
    pub waiting: usize,
    /// Let through.
    pub admitted: u64,
    /// Refused: the limit was reached, and there was no place to wait.
    pub rejected: u64,
    /// Refused: as many were in under the same key as may be.
    pub rejected_by_key: u64,
    /// Refused, or sent away while they waited, in favour of those who matter more.
    pub shed: u64,
    /// Refused when they had waited as long as they may, or whose time was over when they came.
    pub expired: u64,
    /// Dropped by their callers while they waited.
    pub cancelled: u64,
    /// Of all these, found the limit reached and a place to wait. In a dry run nobody waits, and what
    /// would have become of them is not known.
    pub delayed: u64,
}

/// A bulkhead's gauge, from anywhere and at any time.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Core>);

impl Handle {
    /// The bulkhead as it stands.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.snapshot()).finish()
    }
}
