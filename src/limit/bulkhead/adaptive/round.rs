use std::time::Duration;

/// A call that ended, as a limit hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it was let through.
    pub began: Duration,
    /// How many were being served then, itself among them.
    pub in_flight: usize,
    /// How it ended.
    pub ended: Ended,
}

/// What the end of a call says about how much the service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Served: how long it took says how much there is to do.
    Served,
    /// Not for lack of capacity: how long it took says nothing. A service that fails at once looks fast.
    Ignored,
    /// A timeout, a 503 and the like: too much was asked. How long that took is the caller's patience,
    /// not the service's time: a limit that took it for one would grow while nothing is served.
    Overloaded,
}

/// Least calls that make a round.
const LEAST_CALLS: u32 = 10;

/// Calls that both began and ended since the limit was last looked at, so that what they say is said of
/// the limit as it is. One call says little: latencies scatter, and the fastest of many is no measure of
/// what a service takes.
#[derive(Clone, Debug)]
pub(super) struct Round {
    length: Duration,
    began: Duration,
    served: u32,
    overloaded: u32,
    time: Duration,
    in_flight: usize,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub(super) calls: u32,
    /// Mean time in seconds of the calls served; more than zero.
    pub(super) latency: f64,
    /// Most that were being served at once.
    pub(super) in_flight: usize,
    /// More than one call in ten was too much.
    pub(super) overloaded: bool,
}

impl Round {
    /// Rounds that last so long, and until enough calls have come.
    pub(super) fn new(length: Duration) -> Self {
        Self {
            length,
            began: Duration::ZERO,
            served: 0,
            overloaded: 0,
            time: Duration::ZERO,
            in_flight: 0,
        }
    }

    /// One more; if it completes the round, what that came to, and the next begins.
    pub(super) fn add(&mut self, sample: Sample, now: Duration) -> Option<Mean> {
        if sample.began < self.began || sample.ended == Ended::Ignored {
            return None;
        }
        if self.began == Duration::ZERO {
            // The machine is told the time for the first time.
            self.began = sample.began;
        }
        self.in_flight = self.in_flight.max(sample.in_flight);
        match sample.ended {
            Ended::Overloaded => self.overloaded += 1,
            _ => {
                self.served += 1;
                self.time += now.saturating_sub(sample.began);
            }
        }
        let calls = self.served + self.overloaded;
        if now.saturating_sub(self.began) < self.length || calls < LEAST_CALLS {
            return None;
        }
        let mean = Mean {
            calls,
            latency: (self.time.as_secs_f64() / f64::from(self.served.max(1))).max(1e-9),
            in_flight: self.in_flight,
            overloaded: u64::from(self.overloaded) * 10 > u64::from(calls),
        };
        *self = Self {
            began: now,
            ..Self::new(self.length)
        };
        Some(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ended(began: u64, ended: Ended) -> Sample {
        Sample {
            began: ms(began),
            in_flight: 7,
            ended,
        }
    }

    #[test]
    fn a_round_is_long_enough_and_has_enough_calls() {
        let mut round = Round::new(ms(100));
        for _ in 0..20 {
            assert_eq!(round.add(ended(1000, Ended::Served), ms(1020)), None);
        }
        let mean = round.add(ended(1080, Ended::Served), ms(1101)).unwrap();
        assert_eq!((mean.calls, mean.in_flight), (21, 7));
        assert!((mean.latency - 0.421 / 21.0).abs() < 1e-9);
        for _ in 0..9 {
            assert_eq!(round.add(ended(1102, Ended::Served), ms(5000)), None);
        }
        assert!(round.add(ended(1102, Ended::Served), ms(5000)).is_some());
    }

    #[test]
    fn calls_from_before_the_round_say_nothing_of_it() {
        let mut round = Round::new(ms(100));
        for _ in 0..11 {
            round.add(ended(1000, Ended::Served), ms(1100));
        }
        for _ in 0..100 {
            assert_eq!(round.add(ended(1050, Ended::Served), ms(1300)), None);
        }
    }

    #[test]
    fn what_was_too_much_counts_and_has_no_time() {
        let mut round = Round::new(ms(100));
        for number in 0..10 {
            let how = if number < 2 {
                Ended::Overloaded
            } else {
                Ended::Served
            };
            let mean = round.add(ended(1000, how), ms(1100));
            if let Some(mean) = mean {
                assert!(mean.overloaded);
                assert!((mean.latency - 0.1).abs() < 1e-9);
                return;
            }
            assert_eq!(round.add(ended(1000, Ended::Ignored), ms(1100)), None);
        }
        panic!("ten calls are a round");
    }
}
