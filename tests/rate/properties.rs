//! What holds for any rate, any burst and any arrivals.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;
use tower_upstream::limit::rate::{Ask, Delay, Limit, Local, Rate, Verdict, Zone};

use crate::millis;

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![
        (1..500u32).prop_map(Rate::per_second),
        (1..600u32).prop_map(Rate::per_minute),
    ]
}

fn limits() -> impl Strategy<Value = Limit> {
    let delays = prop_oneof![(0..8u32).prop_map(Delay::After), Just(Delay::Never)];
    (0..20u32, delays).prop_map(|(burst, delay)| Limit { burst, delay })
}

/// Times between arrivals, often none.
fn gaps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0), 0..20u64, 0..3000u64], 1..150)
}

fn ask<'a>(zone: &'a Zone, limit: Limit, key: &'a [u8]) -> Ask<'a> {
    Ask { zone, limit, key }
}

/// The times of those let through, and when each goes on.
fn passed(rate: Rate, limit: Limit, gaps: &[u64]) -> Vec<(u64, u64)> {
    let (zone, start) = (Zone::new("z", rate), Instant::now());
    let (mut now, mut passed) = (0, Vec::new());
    for gap in gaps {
        now += gap;
        let verdict = Local.decide(&[ask(&zone, limit, b"k")], start + millis(now));
        if let Verdict::Pass { delay, .. } = verdict {
            passed.push((now, now + delay.as_millis() as u64));
        }
    }
    passed
}

/// In every window, both ends included, no more than the rate allows, and `more`.
fn assert_bounded(times: &[u64], rate: Rate, slack_ms: u64, more: u64) {
    for (first, begin) in times.iter().enumerate() {
        for (last, end) in times.iter().enumerate().skip(first) {
            let count = (last - first + 1) as u64;
            let allowed = rate.thousandths() * (end - begin + slack_ms) / 1000;
            assert!(
                count * 1000 <= allowed + more * 1000,
                "{count} within {} ms",
                end - begin
            );
        }
    }
}

proptest! {
    #[test]
    fn no_window_lets_more_through_than_its_time_and_the_burst(
        rate in rates(), limit in limits(), gaps in gaps(),
    ) {
        let passed = passed(rate, limit, &gaps);
        let times: Vec<u64> = passed.iter().map(|(came, _)| *came).collect();
        assert_bounded(&times, rate, 0, u64::from(limit.burst) + 1);
    }

    #[test]
    fn those_that_wait_go_on_at_the_rate(rate in rates(), burst in 0..20u32, gaps in gaps()) {
        let limit = Limit { burst, ..Limit::default() };
        let mut went: Vec<u64> = passed(rate, limit, &gaps).iter().map(|(_, went)| *went).collect();
        prop_assert!(went.is_sorted(), "first come, first served");
        went.sort_unstable();
        // Waits are cut to whole milliseconds, at either end.
        assert_bounded(&went, rate, 1, 1);
    }

    #[test]
    fn who_comes_back_when_told_passes_and_not_a_millisecond_earlier(
        rate in rates(), limit in limits(), gaps in gaps(),
    ) {
        let (zone, start) = (Zone::new("z", rate), Instant::now());
        let mut now = 0;
        for gap in gaps {
            now += gap;
            let at = |ms| Local.decide(&[ask(&zone, limit, b"k")], start + millis(ms));
            let Verdict::Refuse { retry_after, .. } = at(now) else {
                continue;
            };
            prop_assert!(retry_after > Duration::ZERO);
            let then = now + retry_after.as_millis() as u64;
            let early = at(then - 1);
            prop_assert!(matches!(early, Verdict::Refuse { .. }), "{early:?}");
            let on_time = at(then);
            prop_assert!(matches!(on_time, Verdict::Pass { .. }), "{on_time:?}");
            now = then;
        }
    }

    #[test]
    fn what_several_limits_let_through_each_would_have(
        limits in prop::collection::vec((rates(), limits()), 1..4), gaps in gaps(),
    ) {
        let zones: Vec<(Zone, Limit)> =
            limits.iter().map(|(rate, limit)| (Zone::new("z", *rate), *limit)).collect();
        let asks: Vec<Ask<'_>> =
            zones.iter().map(|(zone, limit)| ask(zone, *limit, b"k")).collect();
        let (start, mut now, mut times) = (Instant::now(), 0, Vec::new());
        for gap in gaps {
            now += gap;
            if let Verdict::Pass { .. } = Local.decide(&asks, start + millis(now)) {
                times.push(now);
            }
        }
        for (rate, limit) in limits {
            assert_bounded(&times, rate, 0, u64::from(limit.burst) + 1);
        }
    }

    #[test]
    fn a_zone_never_keeps_more_than_it_has_room_for(
        room in 1..20u32,
        requests in prop::collection::vec((0..60u8, 0..90_000u64), 1..300),
    ) {
        let (zone, start) = (Zone::with_keys("z", Rate::per_second(1), room), Instant::now());
        let mut now = 0;
        for (key, gap) in requests {
            now += gap;
            let verdict = Local.decide(&[ask(&zone, Limit::default(), &[key])], start + millis(now));
            // The oldest makes room, whoever it is: nobody is refused for want of memory.
            let exhausted = matches!(verdict, Verdict::Exhausted { .. });
            prop_assert!(!exhausted);
            prop_assert!(zone.keys() <= room as usize);
        }
    }
}
