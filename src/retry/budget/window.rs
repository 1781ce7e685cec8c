use std::time::Duration;

/// What the bound is held over.
const WINDOW: Duration = Duration::from_secs(10);

/// How late a withdrawal may be forgotten, in milliseconds; divides the window.
const STEP: u128 = 250;

/// The window, and the slot that its far end lies in.
const SLOTS: usize = (WINDOW.as_millis() / STEP) as usize + 1;

/// What one retry costs; a request pays `percent`, so that every share is a whole number.
const RETRY: i64 = 100;

/// The sums behind a budget, told the time.
///
/// The bound is that of every closed window `[s, s + 10]`: `RETRY` x withdrawals - `percent` x deposits
/// in it, its *debt*, is at most `reserve`. Let `t` be the last withdrawal in such a window. At `t`
/// nothing is known of what comes after, and deposits that come after only lower the debt, so it is
/// enough that at each withdrawal at `t` the debt of `[s, t]` is within the reserve for *every* `s` in
/// `[t - 10, t]`. Looking at `s = t - 10` alone is not enough: it lets deposits made just after `t - 10`
/// pay for withdrawals that are still in the window when those deposits have left it.
///
/// The largest debt of all those `[s, t]` is a maximum over suffixes, kept per slot of time with the
/// order of events inside the slot ([`Slot::worst`]), so slots' edges make no difference but one: the
/// oldest slot is considered whole, which adds windows up to `STEP` longer than ten seconds and so can
/// only refuse more. Events of the same instant are in the same windows and are summed up first.
#[derive(Debug)]
pub(super) struct Window {
    percent: i64,
    reserve: i64,
    /// The newest time it was told; an older one counts as this one.
    now: Duration,
    /// The debt of this very instant, not yet in its slot.
    instant: i64,
    /// A ring; the slot of `now` is the newest.
    slots: [Slot; SLOTS],
    newest: u128,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The debt of the whole slot.
    debt: i64,
    /// The largest debt from any instant in it to its end; never below nothing.
    worst: i64,
}

impl Window {
    pub(super) fn new(percent: u32, per_second: u32) -> Self {
        Self {
            percent: percent.into(),
            reserve: i64::from(per_second) * WINDOW.as_secs() as i64 * RETRY,
            now: Duration::ZERO,
            instant: 0,
            slots: [Slot::default(); SLOTS],
            newest: 0,
        }
    }

    /// A request begins.
    pub(super) fn deposit(&mut self, now: Duration) {
        self.advance(now);
        // Where it saturates, the debt is more than the true one, which only refuses more.
        self.instant = self.instant.saturating_sub(self.percent);
    }

    /// A retry is to begin; whether it may.
    pub(super) fn withdraw(&mut self, now: Duration) -> bool {
        self.advance(now);
        let granted = self.worst() <= self.reserve - RETRY;
        if granted {
            self.instant += RETRY;
        }
        granted
    }

    /// Retries that would be granted.
    pub(super) fn available(&mut self, now: Duration) -> u64 {
        self.advance(now);
        let left = self.reserve.saturating_sub(self.worst());
        u64::try_from(left / RETRY).unwrap_or(0)
    }

    /// The largest debt of any window that ends now and begins within the last ten seconds.
    fn worst(&self) -> i64 {
        let (mut worst, mut since) = (0, 0i64);
        for back in 0..SLOTS as u128 {
            let Some(number) = self.newest.checked_sub(back) else {
                break;
            };
            let slot = self.slots[Self::place(number)];
            worst = since.saturating_add(slot.worst).max(worst);
            since = since.saturating_add(slot.debt);
        }
        worst.saturating_add(self.instant)
    }

    fn advance(&mut self, now: Duration) {
        if now <= self.now {
            return;
        }
        let slot = &mut self.slots[Self::place(self.newest)];
        slot.debt = slot.debt.saturating_add(self.instant);
        slot.worst = slot.worst.saturating_add(self.instant).max(0);
        (self.instant, self.now) = (0, now);
        let newest = now.as_millis() / STEP;
        let steps = (newest - self.newest).min(SLOTS as u128);
        for back in 0..steps {
            self.slots[Self::place(newest - back)] = Slot::default();
        }
        self.newest = newest;
    }

    fn place(number: u128) -> usize {
        (number % SLOTS as u128) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn granted(window: &mut Window, at: Duration) -> usize {
        (0..10_000).filter(|_| window.withdraw(at)).count()
    }

    #[test]
    fn the_reserve_comes_back_ten_seconds_later_and_not_before() {
        let mut window = Window::new(20, 10);
        assert_eq!(granted(&mut window, ms(1)), 100);
        // A window of exactly ten seconds still holds both ends.
        assert_eq!(granted(&mut window, ms(10_001)), 0);
        assert_eq!(granted(&mut window, ms(10_001 + STEP as u64)), 100);
    }

    #[test]
    fn what_was_paid_in_before_does_not_pay_in_a_window_that_begins_after() {
        let mut window = Window::new(20, 10);
        (0..1000).for_each(|_| window.deposit(ms(0)));
        assert_eq!(granted(&mut window, ms(5_000)), 100);
    }

    #[test]
    fn what_was_owed_before_is_paid_back_by_later_requests() {
        let mut window = Window::new(20, 10);
        assert_eq!(granted(&mut window, ms(0)), 100);
        for at in 1..=1000 {
            window.deposit(ms(at));
        }
        // Twenty percent of a thousand, but never more than the reserve at once.
        assert_eq!(granted(&mut window, ms(1_001)), 100);
    }

    #[test]
    fn a_clock_that_goes_back_stands_still() {
        let mut window = Window::new(0, 1);
        assert_eq!(granted(&mut window, ms(60_000)), 10);
        assert_eq!(granted(&mut window, ms(1)), 0);
        window.deposit(ms(2));
        assert_eq!(window.available(ms(59_000)), 0);
        assert_eq!(window.available(ms(80_000)), 10);
    }

    #[test]
    fn no_number_of_requests_overflows() {
        let mut window = Window::new(u32::MAX, u32::MAX);
        for at in 0..20_000 {
            window.instant = i64::MIN + 1;
            window.deposit(ms(at));
        }
        assert!(window.withdraw(ms(20_000)));
        assert!(window.available(ms(20_000)) > 0);
    }
}
