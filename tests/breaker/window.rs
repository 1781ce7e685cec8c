//! Ten buckets, whatever the traffic.

use std::time::Duration;

use proptest::prelude::*;
use tower_upstream::breaker::{Counts, Window};

use crate::{millis, seconds};

/// A window whose cost grew with the calls in it would have to keep them somewhere: what can be
/// copied owns no memory but its own, and that is small.
#[test]
fn a2_the_window_costs_the_same_whatever_the_traffic() {
    fn owns_nothing_more<T: Copy>() -> usize {
        size_of::<T>()
    }
    assert!(owns_nothing_more::<Window>() <= 256);

    let mut window = Window::new(seconds(60));
    for call in 0..1_000_000u64 {
        window.record(Duration::from_micros(call), call % 2 == 0);
    }
    let half = 500_000;
    let (successes, failures) = (half, half);
    assert_eq!(
        window.counts(seconds(1)),
        Counts {
            successes,
            failures
        }
    );
}

#[test]
fn the_present_bucket_and_nine_before_it_count() {
    let mut window = Window::new(seconds(10));
    window.record(millis(5_999), true);
    let at = |window: &mut Window, ms| window.counts(millis(ms)).successes;
    assert_eq!(at(&mut window, 14_999), 1);
    assert_eq!(at(&mut window, 15_000), 0);
}

#[test]
fn a_clock_that_stands_still_or_runs_back_loses_nothing() {
    let mut window = Window::new(seconds(10));
    for second in [50, 50, 48, 0, 50] {
        window.record(seconds(second), false);
    }
    assert_eq!(window.counts(seconds(50)).failures, 5);
    assert_eq!(window.counts(seconds(59)).failures, 5);
    assert_eq!(window.counts(seconds(60)).failures, 0);
}

#[derive(Clone, Copy, Debug)]
struct Step {
    /// Since the step before.
    passed: u64,
    success: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Bursts, ordinary gaps, and silences longer than the window.
    let passed = prop_oneof![4 => 0u64..20, 4 => 0u64..2_000, 1 => 0u64..40_000];
    let step = (passed, any::<bool>()).prop_map(|(passed, success)| Step { passed, success });
    prop::collection::vec(step, 1..300)
}

proptest! {
    #[test]
    fn a_window_equals_counting_everything_again(
        length in 1u64..30_000, start in 0u64..1_000_000, steps in steps(),
    ) {
        let length = millis(length);
        let bucket = |at: Duration| at.as_nanos() / (length.as_nanos() / 10);
        let mut window = Window::new(length);
        let mut all: Vec<(Duration, bool)> = Vec::new();
        let mut now = millis(start);
        for step in steps {
            now += millis(step.passed);
            window.record(now, step.success);
            all.push((now, step.success));
            let naive = |success| {
                let counted = |(at, s): &&(Duration, bool)| {
                    *s == success && bucket(*at) + 10 > bucket(now)
                };
                all.iter().filter(counted).count() as u64
            };
            let (successes, failures) = (naive(true), naive(false));
            prop_assert_eq!(window.last_counts(), Counts { successes, failures });
        }
    }
}
