use std::time::Duration;

use super::round::{Mean, Round, Sample};

/// A limit by the queue it makes, as TCP Vegas has it (L. Brakmo, L. Peterson 1995) and Netflix's
/// concurrency-limits made it known for services.
///
/// Of the calls in flight, so many stand in line in the service as its latency is above that of a service
/// at ease: `queue = limit * (1 - base / latency)`. Up to `log10 limit` of them, the limit grows by six
/// times that; below three times that, by once; above six times, it shrinks by once.
///
/// It differs from Netflix's in three things, each of which a simulation in the tests would miss:
///
/// * It judges rounds, not calls: ten calls and 100 ms at least, all of them begun since the limit last
///   changed. The fastest call of a service whose latency scatters is far below its mean, and a base
///   taken from it starves the service.
/// * Every 30 calls for each one of the limit, or half as many (jittered), the base is taken anew, so that
///   one from better days does not hold the limit down for ever. That round runs with the queue taken off
///   the limit, two fifths at most: what the service needs to be busy is left, the line is not. A base
///   measured with the line standing would call it none, and the limit would grow each time.
/// * Calls that were too much (see [`Ended`](super::Ended)) shrink the limit and are no latencies.
///
/// It grows only while at least half of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Vegas {
    /// Where it begins, default 20.
    pub initial: usize,
    /// Never below, default 1, at least 1.
    pub min: usize,
    /// Never above, default 1000.
    pub max: usize,
}

impl Default for Vegas {
    fn default() -> Self {
        Self {
            initial: 20,
            min: 1,
            max: 1000,
        }
    }
}

const ROUND: Duration = Duration::from_millis(100);

/// Calls between two measures of the base, for each one of the limit.
const CALLS_PER_BASE: f64 = 30.0;

/// What is left at least of the limit while the base is measured.
const LEFT: f64 = 0.6;

/// The machine of [`Vegas`].
#[derive(Clone, Debug)]
pub(super) struct VegasLimit {
    config: Vegas,
    limit: f64,
    round: Round,
    /// Latency of the service at ease, in seconds.
    base: Option<f64>,
    /// The limit while the base is measured.
    measuring: Option<f64>,
    calls: f64,
    calls_to_base: f64,
    random: fastrand::Rng,
}

impl VegasLimit {
    pub(super) fn new(config: Vegas, seed: u64) -> Self {
        let mut limit = Self {
            config,
            limit: config.initial as f64,
            round: Round::new(ROUND),
            base: None,
            measuring: None,
            calls: 0.0,
            calls_to_base: 0.0,
            random: fastrand::Rng::with_seed(seed),
        };
        limit.schedule();
        limit
    }

    pub(super) fn limit(&self) -> f64 {
        self.measuring.unwrap_or(self.limit)
    }

    pub(super) fn ended(&mut self, sample: Sample, now: Duration) {
        if let Some(mean) = self.round.add(sample, now) {
            self.learn(mean);
            let (min, max) = (self.config.min as f64, self.config.max as f64);
            self.limit = self.limit.min(max).max(min);
        }
    }

    fn schedule(&mut self) {
        self.calls = 0.0;
        self.calls_to_base = CALLS_PER_BASE * self.limit * (0.5 + 0.5 * self.random.f64());
    }

    fn learn(&mut self, mean: Mean) {
        let step = self.limit.log10().max(1.0);
        if mean.overloaded {
            self.measuring = None;
            self.limit -= step;
            return;
        }
        if self.measuring.take().is_some() {
            self.base = Some(mean.latency);
            self.schedule();
            return;
        }
        self.calls += f64::from(mean.calls);
        let base = match self.base {
            Some(base) if base <= mean.latency => base,
            _ => {
                self.base = Some(mean.latency);
                return;
            }
        };
        let queue = (self.limit * (1.0 - base / mean.latency)).ceil();
        if self.calls >= self.calls_to_base {
            let least = self.config.min as f64;
            self.measuring = Some((self.limit - queue).max(self.limit * LEFT).max(least));
            return;
        }
        // What is not used is not known to be good.
        if (mean.in_flight as f64) * 2.0 < self.limit {
            return;
        }
        if queue <= step {
            self.limit += 6.0 * step;
        } else if queue < 3.0 * step {
            self.limit += step;
        } else if queue > 6.0 * step {
            self.limit -= step;
        }
    }
}
