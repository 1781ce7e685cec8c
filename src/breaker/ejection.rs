use std::time::Duration;

/// How long a peer is left alone: longer every time, and less again for every quiet while.
///
/// The n-th ejection in a row lasts `base * factor^(n-1)`, at most `max`. A probe that fails is the
/// next ejection; a probe that succeeds puts the peer back in use, and each `quiet` that it then
/// stays in use takes one step back. A probe's lease lasts as long as the ejection before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Ejection {
    /// The first ejection, default 10 s.
    pub base: Duration,
    /// The longest, default 300 s.
    pub max: Duration,
    /// What each ejection multiplies the next by, default 2; 1 keeps them all at `base`.
    pub factor: u32,
    /// Time in use that takes one step back, default 30 s.
    pub quiet: Duration,
    /// Ejections are up to this many percent shorter, so that many clients do not probe at once;
    /// default 0.
    pub jitter: u32,
    /// What the jitter is drawn from, with the moment of the ejection: the same seed and the same
    /// moments give the same times. Default 0.
    pub seed: u64,
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(10),
            max: Duration::from_secs(300),
            factor: 2,
            quiet: Duration::from_secs(30),
            jitter: 0,
            seed: 0,
        }
    }
}

impl Ejection {
    /// The time after so many steps.
    fn length(&self, steps: u32) -> Duration {
        let times = self.factor.max(1).saturating_pow(steps);
        self.base
            .checked_mul(times)
            .unwrap_or(self.max)
            .min(self.max)
    }

    fn jittered(&self, length: Duration, now: Duration) -> Duration {
        let percent = u128::from(self.jitter.min(100));
        if percent == 0 {
            return length;
        }
        let draw = u128::from(mix(self.seed ^ mix(now.as_nanos() as u64)) >> 32);
        let most = length.as_nanos() * percent / 100;
        let less = (most * draw) >> 32;
        length.saturating_sub(nanos(less))
    }

    pub(super) fn problems(&self, problems: &mut Vec<String>) {
        let mut wrong = |bad: bool, what: String| {
            if bad {
                problems.push(what);
            }
        };
        let (base, max) = (self.base, self.max);
        wrong(base.is_zero(), "ejection base=0s: more than zero".into());
        wrong(
            max < base,
            format!("ejection max={max:?}: less than base={base:?}"),
        );
        wrong(self.factor == 0, "ejection factor=0: at least 1".into());
        wrong(
            self.quiet.is_zero(),
            "ejection quiet=0s: more than zero".into(),
        );
        let jitter = self.jitter;
        wrong(
            jitter > 100,
            format!("ejection jitter={jitter}: at most 100 percent"),
        );
    }
}

/// One peer's ejections: the running one, its probe, and how many there have been of late.
#[derive(Clone, Debug)]
pub(super) struct Ban {
    ejection: Ejection,
    steps: u32,
    /// End of the ban or of the probe's lease; none while in use.
    until: Option<Duration>,
    /// How long the running ban was meant to last.
    length: Duration,
    probing: bool,
    /// Since when it has been in use.
    lifted: Duration,
}

impl Ban {
    pub(super) fn new(ejection: Ejection) -> Self {
        Self {
            ejection,
            steps: 0,
            until: None,
            length: Duration::ZERO,
            probing: false,
            lifted: Duration::ZERO,
        }
    }

    pub(super) fn until(&self) -> Option<Duration> {
        self.until
    }

    /// Somebody is out to see whether the peer is back.
    pub(super) fn probing(&self) -> bool {
        self.probing
    }

    pub(super) fn start(&mut self, now: Duration) {
        if self.until.is_none() {
            let quiet = self.ejection.quiet.as_nanos().max(1);
            let back = now.saturating_sub(self.lifted).as_nanos() / quiet;
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            self.steps = self.steps.saturating_sub(back);
        }
        let length = self.ejection.length(self.steps);
        if length < self.ejection.max {
            self.steps = self.steps.saturating_add(1);
        }
        self.length = self.ejection.jittered(length, now);
        self.until = Some(now.saturating_add(self.length));
        self.probing = false;
    }

    /// The first pick after the ban takes the lease, and so does the first after a lost lease.
    pub(super) fn picked(&mut self, now: Duration) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = Some(now.saturating_add(self.length));
            self.probing = true;
        }
    }

    /// The lease comes back before its time.
    pub(super) fn abandoned(&mut self, now: Duration) {
        if std::mem::take(&mut self.probing) {
            self.until = Some(now);
        }
    }

    pub(super) fn lift(&mut self, now: Duration) {
        self.until = None;
        self.probing = false;
        self.lifted = now;
    }
}

fn nanos(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    Duration::new(seconds, (nanos % SECOND) as u32)
}

/// Spreads every bit of a number over all of it: the finalizer of Steele, Lea and Flood's SplitMix64
/// ("Fast splittable pseudorandom number generators", 2014).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
