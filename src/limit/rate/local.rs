use std::future::Ready;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::delay;
use super::table::Table;
use super::{Ask, Standing, Store, Taken, Verdict, Zone};

/// Accounts in this process, in the memory of their zones. It never waits, apart from one short lock
/// for each zone, and allocates for keys it has not seen; where a request passes several limits, also
/// three short lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Local;

impl Local {
    /// One request asks to pass all these limits, at once (LR-3 to LR-7).
    ///
    /// All zones are locked while it is decided, so that no request on another thread comes between
    /// the decision and the charge.
    pub fn decide(self, asks: &[Ask<'_>], now: Instant) -> Verdict {
        match asks {
            [] => NOT_LIMITED,
            [ask] if !ask.applies() => NOT_LIMITED,
            [ask] => Decision::new(asks, &mut [lock(ask.zone)], now).verdict(&mut [None]),
            _ => {
                let mut zones: Vec<&Zone> = asks.iter().map(|ask| ask.zone).collect();
                // Always in the same order, or two threads wait for each other; and each once, or one
                // waits for itself.
                zones.sort_unstable_by_key(|zone| zone.id());
                zones.dedup_by_key(|zone| zone.id());
                let mut tables: Vec<Locked<'_>> = zones.into_iter().map(lock).collect();
                let charges = &mut vec![None; asks.len()];
                Decision::new(asks, &mut tables, now).verdict(charges)
            }
        }
    }
}

impl Store for Local {
    type Later = Ready<Verdict>;

    fn take(&self, asks: &[Ask<'_>], now: Instant) -> Taken<Self::Later> {
        Taken::Now(self.decide(asks, now))
    }
}

const NOT_LIMITED: Verdict = Verdict::Pass {
    delay: Duration::ZERO,
    standing: None,
};

/// A zone's name for the lock, and what is behind it.
type Locked<'a> = (usize, MutexGuard<'a, Table>);

fn lock(zone: &Zone) -> Locked<'_> {
    (zone.id(), zone.table())
}

/// An account that is to be charged: its place, and the excess it will have.
type Charge = (u32, u64);

/// All that is needed to decide on one request.
struct Decision<'a, 'z> {
    asks: &'a [Ask<'a>],
    tables: &'a mut [Locked<'z>],
    now: Instant,
}

impl<'a, 'z> Decision<'a, 'z> {
    fn new(asks: &'a [Ask<'a>], tables: &'a mut [Locked<'z>], now: Instant) -> Self {
        Self { asks, tables, now }
    }

    fn verdict(mut self, charges: &mut [Option<Charge>]) -> Verdict {
        for (limit, ask) in self
            .asks
            .iter()
            .enumerate()
            .filter(|(_, ask)| ask.applies())
        {
            let (rate, now) = (ask.zone.rate(), ask.zone.millis(self.now));
            let table = self.table(ask);
            let Some(at) = table.open(ask.key, rate, now) else {
                return Verdict::Exhausted { limit };
            };
            let excess = table.bucket(at).excess(rate, now);
            if excess > ask.limit.burst() {
                return Verdict::Refuse {
                    standing: Standing { limit, excess },
                    retry_after: self.retry_after(limit),
                };
            }
            charges[limit] = Some((at, excess));
        }
        self.charge(charges)
    }

    /// Nobody refuses. The longest wait is the wait; of several, the last limit's, as NGINX says it.
    fn charge(mut self, charges: &[Option<Charge>]) -> Verdict {
        let (mut longest, mut waits_for) = (Duration::ZERO, None);
        let (mut least, mut tightest) = (u64::MAX, None);
        for (limit, ask) in self.asks.iter().enumerate().rev() {
            let Some((at, excess)) = charges[limit] else {
                continue;
            };
            let now = ask.zone.millis(self.now);
            self.table(ask).bucket(at).charge(excess, now);
            let standing = Some(Standing { limit, excess });
            let delay = delay(excess, ask.zone.rate(), ask.limit);
            if delay > longest {
                (longest, waits_for) = (delay, standing);
            }
            let left = ask.limit.left(excess);
            if left < least {
                (least, tightest) = (left, standing);
            }
        }
        Verdict::Pass {
            delay: longest,
            standing: waits_for.or(tightest),
        }
    }

    /// Those before `limit` let it through, now or later; those behind have not been asked yet.
    fn retry_after(&mut self, limit: usize) -> Duration {
        let left = self.asks[limit..].iter().filter(|ask| ask.applies());
        let times = left.map(|ask| {
            let (rate, now) = (ask.zone.rate(), ask.zone.millis(self.now));
            let bucket = self.table(ask).peek(ask.key);
            bucket.retry_after(rate, ask.limit, now)
        });
        times.max().unwrap_or_default()
    }

    fn table(&mut self, ask: &Ask<'_>) -> &mut Table {
        let id = ask.zone.id();
        let at = self.tables.iter().position(|(zone, _)| *zone == id);
        &mut self.tables[at.unwrap_or_default()].1
    }
}
