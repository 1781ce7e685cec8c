/// How far requests may run ahead of the rate, and which of those wait (`limit_req`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Limit {
    /// Requests that may come too early, default 0; more are refused (`burst=`).
    pub burst: u32,
    /// Which of them wait for their turn, default all.
    pub delay: Delay,
}

/// Which of the requests that come too early wait for their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Delay {
    /// All but so many (`delay=`); 0 is the default.
    After(u32),
    /// None (`nodelay`).
    Never,
}

impl Default for Delay {
    fn default() -> Self {
        Self::After(0)
    }
}

impl Limit {
    /// In thousandths of a request.
    pub(super) fn burst(self) -> u64 {
        u64::from(self.burst) * 1000
    }

    /// The excess from which on requests wait, in thousandths of a request.
    pub(super) fn threshold(self) -> u64 {
        match self.delay {
            Delay::After(requests) => u64::from(requests) * 1000,
            Delay::Never => u64::MAX,
        }
    }

    /// Requests that would pass at once after one that left this excess.
    pub(super) fn left(self, excess: u64) -> u64 {
        self.burst().saturating_sub(excess) / 1000
    }
}
