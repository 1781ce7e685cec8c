use std::time::Duration;

use tokio::time::Instant;

/// When a second attempt joins one that is still waiting for its answer; the first answer wins, and
/// the other attempt is given up without counting. Only requests that may be sent twice, to another
/// peer, and out of the retry budget if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Hedge {
    /// Once it has waited longer than so many percent of recent answers took, 1 to 99, default 95.
    pub percentile: u8,
    /// But no sooner than this, default 1 ms.
    pub at_least: Duration,
}

impl Default for Hedge {
    fn default() -> Self {
        Self {
            percentile: 95,
            at_least: Duration::from_millis(1),
        }
    }
}

impl Hedge {
    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        match self.percentile {
            1..=99 => Vec::new(),
            percentile => vec![format!("hedge: percentile {percentile} is not 1 to 99")],
        }
    }
}

/// How long recent answers took: counts by size, in steps of a quarter of a doubling, over the last
/// one to two spans.
#[derive(Debug)]
pub(crate) struct Latencies {
    current: [u32; STEPS],
    last: [u32; STEPS],
    began: Option<Instant>,
    /// What was worked out, and for how many more answers it is good.
    delay: Option<Duration>,
    good_for: u32,
}

const STEPS: usize = 80;
/// The lower end: 100 microseconds.
const LEAST: f64 = 1e-4;
const SPAN: Duration = Duration::from_secs(10);
/// Fewer answers are no percentile.
const ENOUGH: u32 = 20;
const GOOD_FOR: u32 = 32;

impl Default for Latencies {
    fn default() -> Self {
        Self {
            current: [0; STEPS],
            last: [0; STEPS],
            began: None,
            delay: None,
            good_for: 0,
        }
    }
}

impl Latencies {
    /// An answer came after so long.
    pub(crate) fn record(&mut self, took: Duration, now: Instant) {
        let began = *self.began.get_or_insert(now);
        if now.saturating_duration_since(began) >= SPAN {
            self.last = std::mem::replace(&mut self.current, [0; STEPS]);
            self.began = Some(now);
            self.good_for = 0;
        }
        let step = (took.as_secs_f64() / LEAST).log2().max(0.0) * 4.0;
        let count = &mut self.current[(step as usize).min(STEPS - 1)];
        *count = count.saturating_add(1);
        self.good_for = self.good_for.saturating_sub(1);
    }

    /// How long to wait before a second attempt; `None` while too few have answered.
    pub(crate) fn delay(&mut self, hedge: &Hedge) -> Option<Duration> {
        if self.good_for == 0 {
            self.delay = self.percentile(hedge.percentile);
            self.good_for = GOOD_FOR;
        }
        self.delay.map(|delay| delay.max(hedge.at_least))
    }

    /// The upper end of the step that so many percent do not pass.
    fn percentile(&self, percentile: u8) -> Option<Duration> {
        let counts = || {
            self.current
                .iter()
                .zip(&self.last)
                .map(|(a, b)| u64::from(*a) + u64::from(*b))
        };
        let all: u64 = counts().sum();
        if all < u64::from(ENOUGH) {
            return None;
        }
        let most = (all * u64::from(percentile.clamp(1, 99))).div_ceil(100);
        let mut below = 0;
        let step = counts().position(|count| {
            below += count;
            below >= most
        });
        let end = LEAST * ((step? + 1) as f64 / 4.0).exp2();
        Some(Duration::from_secs_f64(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const MS: Duration = Duration::from_millis(1);

    fn delay(latencies: &mut Latencies, percentile: u8) -> Option<Duration> {
        latencies.good_for = 0;
        latencies.delay(&Hedge {
            percentile,
            at_least: MS,
        })
    }

    #[test]
    fn a_percentile_is_right_to_a_quarter_of_a_doubling() {
        let now = clock::now();
        let mut latencies = Latencies::default();
        (1..=100).for_each(|ms| latencies.record(ms * MS, now));
        for percentile in [50, 90, 95, 99] {
            let exact = f64::from(percentile);
            let found = delay(&mut latencies, percentile).unwrap().as_secs_f64() * 1e3;
            assert!(
                found >= exact && found <= exact * 1.2,
                "{found} for {exact}"
            );
        }
    }

    #[test]
    fn few_answers_say_nothing_and_old_ones_are_forgotten() {
        let now = clock::now();
        let mut latencies = Latencies::default();
        (1..ENOUGH).for_each(|_| latencies.record(500 * MS, now));
        assert_eq!(delay(&mut latencies, 95), None);
        latencies.record(500 * MS, now);
        assert!(delay(&mut latencies, 95).unwrap() >= 500 * MS);
        for span in 1..3 {
            (0..100).for_each(|_| latencies.record(2 * MS, now + span * SPAN));
        }
        assert!(delay(&mut latencies, 95).unwrap() < 3 * MS);
    }
}
