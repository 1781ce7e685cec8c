use std::time::Duration;

use super::round::{Mean, Round, Sample};

/// A limit by how the latency of late compares with that of the last ten minutes, as Netflix's
/// concurrency-limits has it.
///
/// `gradient = 1.5 * long / short`, from 0.5 to 1; `limit = 0.8 * limit + 0.2 * (gradient * limit + 4)`,
/// once a second. It puts up with latency that scatters, and with a service that slowly becomes another.
/// The price: under an overload of many minutes that latency becomes the usual one, and the limit drifts
/// up to [`max`](Self::max), which is to be chosen with that in mind. [`Vegas`](super::Vegas) does not
/// drift.
///
/// It differs from Netflix's in two things that were reported there and not mended: the 4 is only added
/// while the gradient is 1, as it otherwise outgrows a gradient somewhat below (pull request 134); and
/// calls that were too much (see [`Ended`](super::Ended)) count as a gradient of 0.5 instead of as
/// latencies, which a timeout makes look steady (issue 137).
///
/// It grows only while at least half of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Gradient2 {
    /// Where it begins, default 20.
    pub initial: usize,
    /// Never below, default 20, at least 1.
    pub min: usize,
    /// Never above, default 200.
    pub max: usize,
}

impl Default for Gradient2 {
    fn default() -> Self {
        Self {
            initial: 20,
            min: 20,
            max: 200,
        }
    }
}

const ROUND: Duration = Duration::from_secs(1);
/// What a short latency may be above the long one.
const TOLERANCE: f64 = 1.5;
const LEAST_GRADIENT: f64 = 0.5;
const SMOOTHING: f64 = 0.2;
/// Calls that may stand in line.
const QUEUE: f64 = 4.0;
/// Rounds of the long latency's moving average, and of those that are averaged plainly at first.
const LONG: f64 = 600.0;
const WARM_UP: f64 = 10.0;

/// The machine of [`Gradient2`].
#[derive(Clone, Debug)]
pub(super) struct Gradient2Limit {
    config: Gradient2,
    limit: f64,
    round: Round,
    /// In seconds.
    long: f64,
    rounds: f64,
}

impl Gradient2Limit {
    pub(super) fn new(config: Gradient2) -> Self {
        Self {
            config,
            limit: config.initial as f64,
            round: Round::new(ROUND),
            long: 0.0,
            rounds: 0.0,
        }
    }

    pub(super) fn limit(&self) -> f64 {
        self.limit
    }

    pub(super) fn ended(&mut self, sample: Sample, now: Duration) {
        if let Some(mean) = self.round.add(sample, now) {
            self.learn(mean);
            let (min, max) = (self.config.min as f64, self.config.max as f64);
            self.limit = self.limit.min(max).max(min);
        }
    }

    fn learn(&mut self, mean: Mean) {
        let gradient = match mean.overloaded {
            true => LEAST_GRADIENT,
            false => self.gradient(mean.latency),
        };
        // What is not used is not known to be good.
        if gradient >= 1.0 && (mean.in_flight as f64) * 2.0 < self.limit {
            return;
        }
        let queue = if gradient < 1.0 { 0.0 } else { QUEUE };
        self.limit += SMOOTHING * (gradient * self.limit + queue - self.limit);
    }

    fn gradient(&mut self, short: f64) -> f64 {
        self.rounds += 1.0;
        if self.rounds <= WARM_UP {
            self.long += (short - self.long) / self.rounds;
        } else {
            self.long += (short - self.long) * 2.0 / (LONG + 1.0);
        }
        if self.long > 2.0 * short {
            // Coming out of an overload, which ought to be forgotten sooner than it was learned.
            self.long *= 0.95;
        }
        (TOLERANCE * self.long / short).clamp(LEAST_GRADIENT, 1.0)
    }
}
