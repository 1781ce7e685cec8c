use super::tried::Tried;

/// What one request has done so far: the list it walks, whom it asked, the tries it has left.
#[derive(Clone, Debug)]
pub struct Walk {
    pub(super) tried: Tried,
    pub(super) backup: bool,
    single: bool,
    tries: u32,
}

impl Walk {
    pub(super) fn new(single: bool, tries: u32) -> Self {
        Self {
            tried: Tried::default(),
            backup: false,
            single,
            tries,
        }
    }

    /// With no more than `cap` attempts; 0 is no cap (TR-2).
    pub(super) fn capped(mut self, cap: u32) -> Self {
        if cap != 0 {
            self.tries = self.tries.min(cap);
        }
        self
    }

    /// No primary is left: from now on the backups, with a clean slate (RR-8, RR-9).
    pub(super) fn turn_to_backups(&mut self) {
        self.backup = true;
        self.tried.clear();
    }

    /// Attempts left, a running one included.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// An attempt is over: one try less, or none left in a group of one (MF-2, MF-3).
    pub fn spend(&mut self) {
        self.tries = if self.single {
            0
        } else {
            self.tries.saturating_sub(1)
        };
    }

    /// A kept connection had gone stale: the attempt it cost is given back (NU-5 step 2).
    pub fn refund(&mut self) {
        self.tries += 1;
    }
}
