use std::time::Duration;

use super::ejecting::Count;
use super::ejection::Ejection;
use super::window::Window;

/// Too small a share of successes within the last while takes a peer out. Not in NGINX.
///
/// Choose it for a peer that has traffic enough to be judged by and that may be half ill: one bad
/// replica behind its address, one bad shard. It is weighed whenever something fails, over a
/// [`Window`] of ten buckets: the cost of a call does not depend on the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SuccessRatio {
    /// Fewer successes than this, in percent, are too few; default 50, at most 100.
    pub threshold: u32,
    /// The last while, default 10 s.
    pub window: Duration,
    /// With fewer attempts than this in the window nothing is decided; default 20, at least 1.
    pub minimum: u32,
    /// For how long.
    pub ejection: Ejection,
}

impl Default for SuccessRatio {
    fn default() -> Self {
        Self {
            threshold: 50,
            window: Duration::from_secs(10),
            minimum: 20,
            ejection: Ejection::default(),
        }
    }
}

impl SuccessRatio {
    pub(super) fn problems(&self, problems: &mut Vec<String>) {
        let threshold = self.threshold;
        if !(1..=100).contains(&threshold) {
            problems.push(format!(
                "success ratio threshold={threshold}: 1 to 100 percent"
            ));
        }
        if self.window.is_zero() {
            problems.push("success ratio window=0s: more than zero".into());
        }
        if self.minimum == 0 {
            problems.push("success ratio minimum=0: at least 1".into());
        }
        self.ejection.problems(problems);
    }

    pub(super) fn ratio(&self) -> Ratio {
        Ratio {
            threshold: u128::from(self.threshold),
            minimum: u64::from(self.minimum),
            window: Window::new(self.window),
        }
    }
}

/// The window and what it is held against.
#[derive(Clone, Debug)]
pub(super) struct Ratio {
    threshold: u128,
    minimum: u64,
    window: Window,
}

impl Count for Ratio {
    fn failed(&mut self, now: Duration) -> bool {
        self.window.record(now, false);
        let counts = self.window.last_counts();
        let all = counts.successes + counts.failures;
        // In whole numbers: no share is so near the threshold that rounding decides.
        all >= self.minimum && u128::from(counts.successes) * 100 < self.threshold * u128::from(all)
    }

    fn succeeded(&mut self, now: Duration) {
        self.window.record(now, true);
    }

    fn clear(&mut self) {
        self.window.clear();
    }

    fn fails(&self) -> u32 {
        u32::try_from(self.window.last_counts().failures).unwrap_or(u32::MAX)
    }
}
