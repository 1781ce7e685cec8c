use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::{Limit, Zone};

/// One limit that a request is to pass.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The rate, and the accounts.
    pub zone: &'a Zone,
    /// How far the rate may be run ahead of.
    pub limit: Limit,
    /// Whose request it is. An empty key, or one of more than 65 535 bytes, is not limited (LR-6).
    pub key: &'a [u8],
}

impl Ask<'_> {
    /// This limit applies.
    pub fn applies(&self) -> bool {
        (1..=65_535).contains(&self.key.len())
    }
}

/// How a request stands with the limit that says most about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which of the limits, counted from 0.
    pub limit: usize,
    /// How far the key has run ahead of the rate with this request, in thousandths of a request.
    pub excess: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is charged to every limit, and let through.
    Pass {
        /// After so long; mostly zero.
        delay: Duration,
        /// With the limit that makes it wait, else with the one that has the least left. None: no
        /// limit applies.
        standing: Option<Standing>,
    },
    /// It is charged to none.
    Refuse {
        /// With the first limit that refuses it.
        standing: Standing,
        /// The same request would pass all limits after so long, if nobody came before it.
        retry_after: Duration,
    },
    /// This limit cannot keep another account. The request is refused, and charged to none.
    Exhausted {
        /// Which of the limits, counted from 0.
        limit: usize,
    },
}

/// A verdict, or the wait for it.
#[derive(Clone, Copy, Debug)]
pub enum Taken<F> {
    /// The verdict.
    Now(Verdict),
    /// It comes from somewhere else. Dropping the wait may or may not charge the request.
    Later(F),
}

/// Where accounts are kept. [`Local`](super::Local) is the default: in this process, inside the zones.
///
/// One that processes share, say on a server of its own, does for all limits of a request in one step
/// what `Local` does under its locks: for each limit that [applies](Ask::applies), in order, it reads
/// the [`Bucket`](super::Bucket) kept under the zone's name and the key, works out its
/// [`excess`](super::Bucket::excess), and refuses if that is more than the burst; only if none refuses
/// it writes them all back. It takes the time from where the accounts are, not from `now`, so that
/// processes with different clocks agree; it lets accounts lapse that are
/// [idle](super::Bucket::is_idle); and it decides what a request gets when it cannot be asked:
/// [`Verdict::Pass`] without a standing lets it through.
pub trait Store {
    /// The wait for a verdict. [`std::future::Ready`] if there never is one.
    type Later: Future<Output = Verdict>;

    /// One request asks to pass all these limits.
    fn take(&self, asks: &[Ask<'_>], now: Instant) -> Taken<Self::Later>;
}
