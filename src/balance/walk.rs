use super::affinity::Affinity;
use super::tried::Tried;

/// What one request has done so far: the list it walks, whom it asked, the tries it has left.
#[derive(Clone, Debug)]
pub struct Walk {
    pub(super) tried: Tried,
    pub(super) backup: bool,
    pub(super) affinity: Affinity,
    pub(super) draws: Draws,
    /// The membership it has picked from; `None` before the first pick.
    pub(super) version: Option<u64>,
    single: bool,
    cap: u32,
    tries: u32,
    spent: u32,
    join: Option<Join>,
}

/// Why an attempt joins one that is still running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// It has waited for longer than usual: for that nobody is spared, and no backup is asked.
    Late,
    /// Its peer has fallen silent.
    Stuck,
}

/// How far a request has come in the sequence its key or address yields (HS-3, IP-3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Draws {
    /// HS-1's sum, CH's point, IP-2's `h`.
    pub(super) at: u32,
    pub(super) round: u32,
    pub(super) misses: u32,
}

impl Draws {
    /// After more misses than this a method gives way to round robin, for the rest of the request.
    const MISSES: u32 = 20;

    pub(super) fn given_up(&self) -> bool {
        self.misses > Self::MISSES
    }
}

impl Walk {
    /// With no more than `cap` attempts; 0 is no cap (TR-2).
    pub(super) fn new(cap: u32) -> Self {
        Self {
            tried: Tried::default(),
            backup: false,
            affinity: Affinity::default(),
            draws: Draws::default(),
            version: None,
            single: false,
            cap,
            tries: 0,
            spent: 0,
            join: None,
        }
    }

    /// Among others from now on: it may ask all `unasked` ones, as if it had begun among them.
    pub(super) fn change(&mut self, unasked: u32) {
        let tries = match self.cap {
            0 => unasked,
            cap => unasked.min(cap.saturating_sub(self.spent)),
        };
        self.tries = self.tries.max(tries);
    }

    /// Learns whom it walks among.
    pub(super) fn board(&mut self, version: u64, single: bool, usable: u32) {
        self.single = single;
        if self.version.replace(version).is_none() {
            self.tries = match self.cap {
                0 => usable,
                cap => usable.min(cap),
            };
        }
    }

    /// Says that the next pick joins a running attempt, or that it does not.
    pub(crate) fn join(&mut self, join: Option<Join>) {
        self.join = join;
    }

    pub(super) fn joins(&self) -> bool {
        self.join.is_some()
    }

    /// The next pick is to be from the list of the last one.
    pub(super) fn stays(&self) -> bool {
        self.join == Some(Join::Late)
    }

    /// Says where the request should go. To be said before the first pick; its route may be said
    /// anew before every other.
    pub fn bind(&mut self, affinity: Affinity) {
        self.affinity = affinity;
    }

    /// Attempts left, a running one included; none before the first pick.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// An attempt is over: one try less, or none left in a group of one (MF-2, MF-3).
    pub fn spend(&mut self) {
        self.spent += 1;
        self.tries = if self.single {
            0
        } else {
            self.tries.saturating_sub(1)
        };
    }

    /// A kept connection had gone stale: the attempt it cost is given back (NU-5 step 2).
    pub fn refund(&mut self) {
        self.spent = self.spent.saturating_sub(1);
        self.tries += 1;
    }
}
