//! How long to wait before a retry.
//!
//! A request that failed because its service is overloaded or restarting fails again when it comes
//! back at once, and requests that failed together come back together. So the wait grows, and is drawn
//! at random from all of it (*full jitter*): before the retry after `n` others it is
//!
//! ```text
//! U(0, min(cap, base x 2^n))
//! ```
//!
//! A service that says itself when to come back is heard, within limits: see [`Pushback`]. With another
//! endpoint to go to there is nothing to wait for, and [`Upstream`](crate::upstream) does not.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::retry::{Backoff, Pushback};
//!
//! let backoff = Backoff { base: Duration::from_millis(25), cap: Duration::from_millis(250) };
//! assert_eq!(backoff.bound(3), Duration::from_millis(200));
//! assert_eq!(backoff.bound(4), Duration::from_millis(250));
//!
//! let drawn = backoff.delay(3, &mut fastrand::Rng::with_seed(7));
//! assert!(drawn <= Duration::from_millis(200));
//! // Five seconds more than drawn is the most a service can ask for.
//! let asked = Pushback::After(Duration::from_secs(3600));
//! assert_eq!(asked.delay(drawn), Some(drawn + Duration::from_secs(5)));
//! ```

use std::time::Duration;

/// Exponential waits with full jitter. The defaults, 25 ms and 250 ms, are Envoy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Backoff {
    /// The longest wait before the first retry, default 25 ms; it doubles with every retry. Zero does
    /// not wait.
    pub base: Duration,
    /// The longest wait of all, default 250 ms; applied before the draw, so that it is no more likely
    /// than any other.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(25),
            cap: Duration::from_millis(250),
        }
    }
}

impl Backoff {
    /// The longest wait before the retry that follows `retries` others: `min(cap, base x 2^retries)`.
    pub fn bound(&self, retries: u32) -> Duration {
        let doubled = 1u128
            .checked_shl(retries)
            .and_then(|times| self.base.as_nanos().checked_mul(times))
            .and_then(|nanos| u64::try_from(nanos).ok())
            .map_or(Duration::MAX, Duration::from_nanos);
        match self.base.is_zero() {
            true => Duration::ZERO,
            false => doubled.min(self.cap),
        }
    }

    /// A wait drawn evenly from nothing to [`bound`](Self::bound); the same seed draws the same waits.
    pub fn delay(&self, retries: u32, rng: &mut fastrand::Rng) -> Duration {
        let most = self.bound(retries).as_nanos();
        Duration::from_nanos(rng.u64(0..=u64::try_from(most).unwrap_or(u64::MAX)))
    }
}

/// What a service said of when to come back: HTTP's `Retry-After` or gRPC's `grpc-retry-pushback-ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Not before so much time has passed.
    After(Duration),
    /// Not at all.
    Never,
}

impl Pushback {
    /// How much longer than it would have been a service can make a wait.
    pub const MOST: Duration = Duration::from_secs(5);

    /// The wait when `drawn` was to be waited: what was asked for, but no less than `drawn`, which
    /// keeps callers apart, and no more than [`MOST`](Self::MOST) longer, so that a mistaken service
    /// cannot hold a caller for an hour (the rule of the AWS SDKs since 2026). `None` is no retry.
    pub fn delay(self, drawn: Duration) -> Option<Duration> {
        match self {
            Self::After(asked) => Some(asked.clamp(drawn, drawn.saturating_add(Self::MOST))),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_never_overflows() {
        let backoff = Backoff::default();
        let bounds: Vec<_> = (0..6).map(|n| backoff.bound(n).as_millis()).collect();
        assert_eq!(bounds, [25, 50, 100, 200, 250, 250]);
        for retries in [31, 32, 63, 64, 127, 128, u32::MAX] {
            assert_eq!(backoff.bound(retries), backoff.cap);
        }
        let endless = Backoff {
            base: Duration::MAX,
            cap: Duration::MAX,
        };
        assert_eq!(endless.bound(0), Duration::MAX);
        assert!(endless.delay(9, &mut fastrand::Rng::with_seed(1)) <= Duration::MAX);
        let none = Backoff {
            base: Duration::ZERO,
            cap: Duration::MAX,
        };
        assert_eq!(none.bound(200), Duration::ZERO);
    }

    #[test]
    fn waits_are_drawn_from_all_of_the_bound() {
        let (backoff, mut rng) = (Backoff::default(), fastrand::Rng::with_seed(42));
        let draws: Vec<_> = (0..10_000).map(|_| backoff.delay(2, &mut rng)).collect();
        let tenth = backoff.bound(2) / 10;
        for part in 0..10 {
            let inside = |d: &&Duration| (tenth * part..tenth * (part + 1)).contains(*d);
            let share = draws.iter().filter(inside).count();
            assert!((850..1150).contains(&share), "{share} in tenth {part}");
        }
        assert!(draws.iter().all(|d| *d <= backoff.bound(2)));
    }

    #[test]
    fn the_same_seed_draws_the_same_waits() {
        let draw = |seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            [0, 1, 2, 3].map(|n| Backoff::default().delay(n, &mut rng))
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }

    #[test]
    fn what_a_service_asks_for_is_heard_within_five_seconds() {
        let ms = Duration::from_millis;
        let asked = |asked| Pushback::After(ms(asked)).delay(ms(40));
        assert_eq!(asked(0), Some(ms(40)));
        assert_eq!(asked(39), Some(ms(40)));
        assert_eq!(asked(41), Some(ms(41)));
        assert_eq!(asked(5_040), Some(ms(5_040)));
        assert_eq!(asked(5_041), Some(ms(5_040)));
        assert_eq!(
            Pushback::After(Duration::MAX).delay(Duration::MAX),
            Some(Duration::MAX)
        );
        assert_eq!(Pushback::Never.delay(ms(40)), None);
    }
}
