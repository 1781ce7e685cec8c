use std::time::Duration;

/// How often requests may come in the long run, in thousandths of a request per second (LR-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rate(u64);

impl Rate {
    /// `requests` a second (`rate=10r/s`).
    pub const fn per_second(requests: u32) -> Self {
        Self(requests as u64 * 1000)
    }

    /// `requests` a minute (`rate=5r/m`). What is not a whole thousandth per second is cut off, as in
    /// NGINX: five a minute are 83 thousandths, one every 12.048 s.
    pub const fn per_minute(requests: u32) -> Self {
        Self(requests as u64 * 1000 / 60)
    }

    /// Thousandths of a request per second.
    pub const fn thousandths(self) -> u64 {
        self.0
    }

    /// Nothing may come.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Thousandths of a request that are allowed for within `ms`, rounded down.
    pub(super) fn within(self, ms: u64) -> u64 {
        self.0.saturating_mul(ms) / 1000
    }

    /// How long that many thousandths take, in whole milliseconds, rounded down: NGINX's delays.
    pub(super) fn time_of(self, thousandths: u64) -> Duration {
        self.millis(thousandths.saturating_mul(1000).checked_div(self.0))
    }

    /// How long until [`within`](Self::within) is at least that many thousandths.
    pub(super) fn time_for(self, thousandths: u64) -> Duration {
        let whole = thousandths.saturating_mul(1000);
        self.millis((self.0 > 0).then(|| whole.div_ceil(self.0)))
    }

    fn millis(self, ms: Option<u64>) -> Duration {
        ms.map_or(Duration::MAX, Duration::from_millis)
    }
}
