use std::time::Duration;

use crate::upstream::config::HealthCheck;

/// What one look at a server brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It went well.
    Passed,
    /// It failed.
    Failed,
    /// It says nothing of the server: this process could not look.
    Blind,
}

/// What the looks at one server add up to, and when the next is due.
///
/// It is told what each look brought, and the time; it looks at nobody itself. Times are counted from
/// any moment the caller likes. The same seed draws the same pauses.
///
/// ```
/// use std::time::Duration;
/// use tower_upstream::HealthCheck;
/// use tower_upstream::health::{Look, Standing};
///
/// let check = HealthCheck::tcp().jitter(0);
/// let (at, seed) = (Duration::from_secs, 7);
/// let mut server = Standing::new(at(0), 1.0, seed);
/// // The first look that goes well is enough; from then on there is one every five seconds.
/// assert!(server.looked(Look::Passed, at(0), at(0), &check));
/// assert_eq!((server.healthy(), server.due()), (Some(true), at(5)));
/// // One that failed opens the question, and it is asked again sooner.
/// assert!(!server.looked(Look::Failed, at(5), at(5), &check));
/// assert_eq!((server.healthy(), server.due()), (Some(true), at(6)));
/// server.looked(Look::Failed, at(6), at(6), &check);
/// assert!(server.looked(Look::Failed, at(7), at(7), &check));
/// assert_eq!((server.healthy(), server.due()), (Some(false), at(12)));
/// ```
#[derive(Clone, Debug)]
pub struct Standing {
    healthy: Option<bool>,
    /// Looks in a row that spoke against that.
    against: u32,
    due: Duration,
    /// Where in an interval it takes its place, once it is known; see [`Standing::new`].
    place: Option<f64>,
    rng: fastrand::Rng,
}

impl Standing {
    /// Nothing is known yet, and a look is due at `due`. `place`, from 0 to 1, is where in an interval
    /// this server's looks are to have their place, so that those at many do not fall together: after
    /// the first verdict so much of an interval passes before the next look.
    pub fn new(due: Duration, place: f64, seed: u64) -> Self {
        Self {
            healthy: None,
            against: 0,
            due,
            place: Some(place.clamp(0.0, 1.0)),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// The verdict, once there is one.
    pub fn healthy(&self) -> Option<bool> {
        self.healthy
    }

    /// The verdict may change with the next looks.
    pub fn unsure(&self) -> bool {
        self.healthy.is_none() || self.against > 0
    }

    /// When the next look is due.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// Takes in what the look brought that was begun at `begun` and is over `now`. True when the
    /// verdict is another one than before, or the first.
    pub fn looked(
        &mut self,
        look: Look,
        begun: Duration,
        now: Duration,
        check: &HealthCheck,
    ) -> bool {
        let changed = self.judge(look, check);
        // A look that took longer than the pause is followed by the next one at once.
        self.due = begun.saturating_add(self.pause(check)).max(now);
        changed
    }

    fn judge(&mut self, look: Look, check: &HealthCheck) -> bool {
        let well = match look {
            Look::Passed => true,
            Look::Failed => false,
            Look::Blind => return false,
        };
        if self.healthy == Some(well) {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let enough = match (self.healthy, well) {
            (None, true) => 1,
            (_, true) => check.rise,
            (_, false) => check.fall,
        };
        if self.against < enough {
            return false;
        }
        (self.healthy, self.against) = (Some(well), 0);
        true
    }

    fn pause(&mut self, check: &HealthCheck) -> Duration {
        let unsure = check.unsure.min(check.interval);
        let pause = match (self.unsure(), self.place) {
            (true, _) => unsure,
            (false, None) => check.interval,
            (false, Some(place)) => {
                self.place = None;
                part(check.interval, place)
            }
        };
        let share = f64::from(check.jitter.min(100)) / 100.0 * self.rng.f64();
        pause.saturating_add(part(pause, share))
    }
}

/// A share of a time, which may be too long to be multiplied.
fn part(time: Duration, share: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * share).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::Look::{Blind, Failed, Passed};
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Looks that take no time, each when it is due; the verdict after each.
    fn verdicts(standing: &mut Standing, check: &HealthCheck, looks: &[Look]) -> Vec<Option<bool>> {
        let one = |look: &Look| {
            let due = standing.due();
            let before = standing.healthy();
            let changed = standing.looked(*look, due, due, check);
            assert_eq!(changed, standing.healthy() != before);
            standing.healthy()
        };
        looks.iter().map(one).collect()
    }

    fn fresh() -> Standing {
        Standing::new(s(0), 1.0, 1)
    }

    const UP: Option<bool> = Some(true);
    const DOWN: Option<bool> = Some(false);

    #[test]
    fn the_first_success_is_enough_and_the_first_failures_are_not() {
        let check = HealthCheck::tcp();
        assert_eq!(verdicts(&mut fresh(), &check, &[Passed]), [UP]);
        let looks = [Failed, Failed, Passed];
        assert_eq!(verdicts(&mut fresh(), &check, &looks), [None, None, UP]);
        let looks = [Failed, Failed, Failed, Passed, Passed];
        let expected = [None, None, DOWN, DOWN, UP];
        assert_eq!(verdicts(&mut fresh(), &check, &looks), expected);
    }

    /// A success before the first verdict would be the verdict, so failures in a row need no reset.
    #[test]
    fn only_looks_in_a_row_count() {
        let check = HealthCheck::tcp();
        let mut standing = fresh();
        let looks = [Passed, Failed, Failed, Passed, Failed, Failed, Failed];
        let expected = [UP, UP, UP, UP, UP, UP, DOWN];
        assert_eq!(verdicts(&mut standing, &check, &looks), expected);
        let looks = [Passed, Failed, Passed, Passed];
        let expected = [DOWN, DOWN, DOWN, UP];
        assert_eq!(verdicts(&mut standing, &check, &looks), expected);
    }

    #[test]
    fn rise_and_fall_of_one_believe_every_look() {
        let check = HealthCheck::tcp().rise(1).fall(1);
        let looks = [Failed, Passed, Failed];
        assert_eq!(verdicts(&mut fresh(), &check, &looks), [DOWN, UP, DOWN]);
    }

    /// An outcome of our own making neither counts nor breaks a row.
    #[test]
    fn who_cannot_look_says_nothing() {
        let check = HealthCheck::tcp();
        let mut standing = fresh();
        let looks = [Blind, Passed, Failed, Failed, Blind, Failed];
        let expected = [None, UP, UP, UP, UP, DOWN];
        assert_eq!(verdicts(&mut standing, &check, &looks), expected);
    }

    #[test]
    fn it_is_quicker_while_it_is_unsure() {
        let check = HealthCheck::tcp().jitter(0);
        let mut standing = fresh();
        let mut dues = Vec::new();
        // Up at 0, down with the third failure at 7, up again with the second success at 18.
        for look in [Passed, Failed, Failed, Failed, Failed, Passed, Passed] {
            let due = standing.due();
            dues.push(due.as_secs());
            standing.looked(look, due, due, &check);
        }
        assert_eq!(dues, [0, 5, 6, 7, 12, 17, 18]);
        assert_eq!((standing.healthy(), standing.due()), (UP, s(23)));
    }

    #[test]
    fn unsure_is_never_slower_than_the_interval() {
        let check = HealthCheck::tcp()
            .jitter(0)
            .interval(Duration::from_millis(200));
        let mut standing = fresh();
        standing.looked(Failed, s(0), s(0), &check);
        assert_eq!(standing.due(), Duration::from_millis(200));
    }

    /// Pauses are counted from the beginning of a look, so that slow servers are not looked at more
    /// rarely; but never two looks at once.
    #[test]
    fn a_long_look_is_followed_at_once() {
        let check = HealthCheck::tcp().jitter(0);
        let mut standing = fresh();
        standing.looked(Passed, s(0), s(2), &check);
        assert_eq!(standing.due(), s(5));
        standing.looked(Passed, s(5), s(30), &check);
        assert_eq!(standing.due(), s(30));
    }

    /// The pauses of twenty looks.
    fn pauses(check: &HealthCheck, seed: u64) -> Vec<Duration> {
        let mut standing = Standing::new(s(0), 1.0, seed);
        let pause = |_| {
            let begun = standing.due();
            standing.looked(Passed, begun, begun, check);
            standing.due() - begun
        };
        (0..20).map(pause).collect()
    }

    #[test]
    fn jitter_adds_its_share_and_repeats_itself() {
        let check = HealthCheck::tcp().jitter(20);
        let drawn = pauses(&check, 3);
        assert!(drawn.iter().all(|pause| (s(5)..=s(6)).contains(pause)));
        let (least, most) = (drawn.iter().min(), drawn.iter().max());
        assert!(least < Some(&Duration::from_millis(5_300)), "{least:?}");
        assert!(most > Some(&Duration::from_millis(5_700)), "{most:?}");
        assert_eq!(drawn, pauses(&check, 3));
        assert_ne!(drawn, pauses(&check, 4));
    }

    #[test]
    fn the_first_verdict_is_followed_by_the_way_to_its_place() {
        let check = HealthCheck::tcp().jitter(0);
        for (place, due) in [(0.0, 0), (0.25, 1250), (0.5, 2500), (1.0, 5000)] {
            let mut standing = Standing::new(s(0), place, 1);
            standing.looked(Passed, s(0), s(0), &check);
            assert_eq!(standing.due(), Duration::from_millis(due));
            let then = standing.due();
            standing.looked(Passed, then, then, &check);
            assert_eq!(standing.due(), then + s(5));
        }
    }

    /// No configuration, not even one that was never checked, makes it panic.
    #[test]
    fn the_longest_times_are_only_long() {
        let check = HealthCheck::tcp()
            .interval(Duration::MAX)
            .unsure(Duration::MAX)
            .jitter(100);
        let mut standing = fresh();
        standing.looked(Passed, s(1), s(1), &check);
        assert_eq!(standing.due(), Duration::MAX);
    }
}
