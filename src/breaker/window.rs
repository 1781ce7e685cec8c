use std::time::Duration;

/// Successes and failures of the last while, in ten buckets that are filled and emptied as time goes.
///
/// What it costs depends neither on the traffic nor on the time since the last call: a record adds to
/// one bucket and to the totals, and time that has passed empties ten buckets at the most. It counts
/// the bucket of the present and the nine before, that is between nine and ten tenths of its length.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    buckets: [Counts; BUCKETS],
    total: Counts,
    /// Width of a bucket, in nanoseconds.
    width: u64,
    /// Number of the newest bucket, counted from the epoch.
    newest: u64,
}

/// Outcomes counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that did not fail.
    pub successes: u64,
    /// Attempts that failed.
    pub failures: u64,
}

const BUCKETS: usize = 10;

impl Window {
    /// An empty window of this length.
    pub fn new(length: Duration) -> Self {
        Self {
            buckets: [Counts::default(); BUCKETS],
            total: Counts::default(),
            width: (nanos(length) / BUCKETS as u64).max(1),
            newest: 0,
        }
    }

    /// Counts an outcome at `now`. A `now` before the last one told counts as that one.
    pub fn record(&mut self, now: Duration, success: bool) {
        self.advance(now);
        let newest = &mut self.buckets[index(self.newest)];
        for counts in [newest, &mut self.total] {
            match success {
                true => counts.successes += 1,
                false => counts.failures += 1,
            }
        }
    }

    /// What was recorded within the window that ends at `now`.
    pub fn counts(&mut self, now: Duration) -> Counts {
        self.advance(now);
        self.total
    }

    /// What was recorded within the window as of the last time told.
    pub fn last_counts(&self) -> Counts {
        self.total
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets = [Counts::default(); BUCKETS];
        self.total = Counts::default();
    }

    fn advance(&mut self, now: Duration) {
        let present = nanos(now) / self.width;
        let passed = present.saturating_sub(self.newest);
        if passed >= BUCKETS as u64 {
            self.clear();
        } else {
            for step in 1..=passed {
                let old = std::mem::take(&mut self.buckets[index(self.newest + step)]);
                self.total.successes -= old.successes;
                self.total.failures -= old.failures;
            }
        }
        self.newest = self.newest.max(present);
    }
}

fn index(number: u64) -> usize {
    (number % BUCKETS as u64) as usize
}

/// Enough until the year 2554.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
