use std::time::Duration;

/// How long one peer takes to answer, for the methods that go by it. Told the time.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerTimes {
    /// Milliseconds; 0 is "no sample" (LT-1).
    header: u64,
    response: u64,
    /// Whole second of the last check, as the failure rule keeps it (LT-3).
    checked: u64,
    /// LT-4.
    waiting: u64,
    sum: u64,
    changed: u64,
    in_flight: u64,
    /// Peak EWMA: seconds, as of `seen`.
    cost: f64,
    seen: Duration,
}

/// What a failed attempt counts as, at least: an error that comes at once must not look like a fast
/// answer (linkerd2 #11669).
const PENALTY: f64 = 1.0;

/// How fast peak EWMA forgets (Finagle's constant).
const DECAY: f64 = 10.0;

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// LT-1, in whole numbers: floor(0.5 + 0.05 sample + 0.95 mean).
fn smooth(mean: &mut u64, sample: u64) {
    *mean = match *mean {
        0 => sample,
        mean => (10 + sample.saturating_add(mean.saturating_mul(19))) / 20,
    };
}

impl AnswerTimes {
    /// An attempt begins (LT-4; `checked` as RR-5 stamps it).
    pub(super) fn sent(&mut self, now: Duration, fail_timeout: u64) {
        if now.as_secs().saturating_sub(self.checked) > fail_timeout {
            self.checked = now.as_secs();
        }
        let at = millis(now);
        if self.waiting > 0 {
            self.sum = self
                .sum
                .saturating_add(at.saturating_sub(self.changed) * self.waiting);
        }
        self.changed = at;
        self.waiting += 1;
    }

    /// An attempt that began at `begun` is no longer waited for (LT-4).
    pub(super) fn left(&mut self, begun: Duration, now: Duration) {
        let at = millis(now);
        if self.waiting <= 1 {
            (self.waiting, self.sum) = (0, 0);
            return;
        }
        let grown = at.saturating_sub(self.changed) * self.waiting;
        let own = millis(now.saturating_sub(begun));
        self.sum = self.sum.saturating_add(grown).saturating_sub(own);
        self.changed = at;
        self.waiting -= 1;
    }

    /// A failure stamps `checked` (MF-3).
    pub(super) fn failed(&mut self, now: Duration) {
        self.checked = now.as_secs();
    }

    /// The header of an attempt that is not moved on from (LT-2).
    pub(super) fn header(&mut self, took: Duration) {
        smooth(&mut self.header, millis(took));
    }

    /// An attempt was released OK, with a header (LT-2).
    pub(super) fn response(&mut self, took: Duration) {
        smooth(&mut self.response, millis(took));
    }

    /// LT-3 to LT-5: milliseconds, in steps.
    pub(super) fn expected(
        &mut self,
        by_header: bool,
        inflight: bool,
        fail_timeout: u64,
        now: Duration,
    ) -> u64 {
        let mut time = if by_header {
            self.header
        } else {
            self.response
        };
        let idle = now.as_secs().saturating_sub(self.checked);
        if idle > fail_timeout {
            let halvings = idle / fail_timeout.saturating_add(1);
            time = u32::try_from(halvings).map_or(0, |n| time.checked_shr(n).unwrap_or(0));
        }
        if inflight && self.waiting > 0 {
            let age = self.sum / self.waiting + millis(now).saturating_sub(self.changed);
            smooth(&mut self.in_flight, age);
            time = time.max(self.in_flight);
        }
        match time {
            5001.. => 5000,
            time => time + 20 - time % 20,
        }
    }

    /// Peak EWMA's sample: more counts at once, less only little by little. A failure is a penalty.
    pub(super) fn took(&mut self, took: Duration, failed: bool, now: Duration) {
        let mut sample = took.as_secs_f64();
        if failed {
            sample = sample.max(PENALTY);
        }
        let old = self.cost(now);
        let share = self.share(now);
        self.cost = if sample > old {
            sample
        } else {
            share * old + (1.0 - share) * sample
        };
        self.seen = now;
    }

    fn share(&self, now: Duration) -> f64 {
        (-now.saturating_sub(self.seen).as_secs_f64() / DECAY).exp()
    }

    /// In seconds. What nobody has asked for long is worth another look, so it fades.
    pub(super) fn cost(&self, now: Duration) -> f64 {
        match self.cost {
            0.0 => 0.0,
            cost => cost * self.share(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn the_mean_is_rounded_as_nginx_rounds_it() {
        let mut times = AnswerTimes::default();
        times.response(200 * MS);
        times.header(100 * MS);
        assert_eq!((times.header, times.response), (100, 200));
        times.header(110 * MS);
        assert_eq!(times.header, 101, "0.5 + 5.5 + 95 = 101.0");
        times.header(Duration::ZERO);
        assert_eq!(times.header, 96, "0.5 + 95.95 = 96.45");
    }

    #[test]
    fn times_are_clustered_and_clamped() {
        let mut times = AnswerTimes::default();
        times.sent(DAY, 10);
        for (sample, expected) in [
            (0, 20),
            (19, 20),
            (20, 40),
            (39, 40),
            (4999, 5000),
            (9000, 5000),
        ] {
            times.header = sample;
            assert_eq!(
                times.expected(true, false, 10, DAY),
                expected,
                "LT-5 of {sample}"
            );
        }
    }

    #[test]
    fn who_was_not_asked_for_long_looks_faster() {
        let mut times = AnswerTimes::default();
        times.sent(DAY, 10);
        times.header = 800;
        assert_eq!(times.expected(true, false, 10, DAY + 10 * 1000 * MS), 820);
        assert_eq!(
            times.expected(true, false, 10, DAY + 11 * 1000 * MS),
            420,
            "one halving"
        );
        assert_eq!(
            times.expected(true, false, 10, DAY + 22 * 1000 * MS),
            220,
            "two"
        );
        assert_eq!(times.expected(true, false, 10, DAY + DAY * 400), 20);
    }

    #[test]
    fn waiting_requests_count_with_their_age() {
        let mut times = AnswerTimes::default();
        times.sent(DAY, 10);
        times.sent(DAY + 100 * MS, 10);
        // Ages 200 and 100: the mean is 150, and it is the first sample.
        assert_eq!(times.expected(true, true, 10, DAY + 200 * MS), 160);
        times.left(DAY, DAY + 200 * MS);
        times.in_flight = 0;
        assert_eq!(
            times.expected(true, true, 10, DAY + 200 * MS),
            120,
            "100 is left"
        );
        times.left(DAY + 100 * MS, DAY + 300 * MS);
        assert_eq!((times.waiting, times.sum), (0, 0));
    }

    #[test]
    fn an_error_never_makes_a_peer_look_faster() {
        let mut times = AnswerTimes::default();
        times.took(5 * MS, false, DAY);
        times.took(MS / 10, true, DAY + MS);
        assert!(times.cost(DAY + MS) >= PENALTY);
        let before = times.cost(DAY + 2 * MS);
        times.took(5 * MS, false, DAY + 2 * MS);
        let after = times.cost(DAY + 2 * MS);
        assert!(
            after <= before && after > 0.9,
            "one fast answer does not wipe it out: {after}"
        );
        assert!(times.cost(DAY + 60 * 1000 * MS) < 0.01, "time does");
    }
}
