use std::sync::Arc;

use super::shared::Core;
use super::snapshot::{Mode, Snapshot};

/// A breaker's switch and its gauge, from anywhere and at any time.
#[derive(Clone, Debug)]
pub struct Handle(pub(super) Arc<Core>);

impl Handle {
    /// Refuses every call from now on, in shadow mode too. Calls in flight go on and are not heard.
    pub fn force_open(&self) {
        self.0.force(Mode::ForcedOpen);
    }

    /// Lets every call through from now on; the rule hears of none.
    pub fn force_closed(&self) {
        self.0.force(Mode::ForcedClosed);
    }

    /// Gives the decision back to the rule, which goes on where it stood: a ban that has not run out
    /// still holds, a probe cut off is made again.
    pub fn automatic(&self) {
        self.0.force(Mode::Automatic);
    }

    /// The breaker as it stands.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }
}
