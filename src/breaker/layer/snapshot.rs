use std::time::Duration;

use crate::breaker::State;

/// Who decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The rule.
    #[default]
    Automatic,
    /// An operator: nothing goes through.
    ForcedOpen,
    /// An operator: everything goes through, and the rule hears of none of it.
    ForcedClosed,
}

/// A breaker as it stands, and what it has done so far.
///
/// Every call that was let through is counted once when it ends: `admitted` is `successes`,
/// `failures`, `neutral` and `cancelled` together with `in_flight`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// What the next call would find; as in shadow mode, where it is let through all the same.
    pub state: State,
    /// Who decides that.
    pub mode: Mode,
    /// Nothing is refused, only counted.
    pub shadow: bool,
    /// A probe is under way and its lease has not run out.
    pub probing: bool,
    /// Until the next probe may be made; zero if it may be now, none while the rule has nothing
    /// against the service.
    pub retry_after: Option<Duration>,
    /// Failures that still count.
    pub fails: u32,
    /// Calls let through that have not ended.
    pub in_flight: u64,
    /// How often the rule put the service out of use, failed probes included.
    pub opened: u64,
    /// Calls let through.
    pub admitted: u64,
    /// Calls refused.
    pub rejected: u64,
    /// Calls let through only because of shadow mode.
    pub would_have_rejected: u64,
    /// Calls that ended well.
    pub successes: u64,
    /// Calls that ended badly, or too late.
    pub failures: u64,
    /// Calls that ended in a way that says nothing of the service.
    pub neutral: u64,
    /// Calls that were dropped, or panicked, before they ended.
    pub cancelled: u64,
    /// Of all that ended, those that the rule was not told of: begun before the circuit last changed
    /// its state, refused but for shadow mode, or ended while somebody else decided.
    pub unheard: u64,
}
