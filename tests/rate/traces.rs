//! The worked examples of limit_req (W18), and its rules one by one (LR).

use std::time::Duration;

use tokio::time::Instant;
use tower_upstream::limit::rate::{
    Ask, Bucket, Delay, Limit, Local, Rate, Standing, Status, Verdict, Zone,
};

use crate::millis;

/// Limits that one client's requests pass, and the clock.
struct World {
    limits: Vec<(Zone, Limit)>,
    start: Instant,
}

impl World {
    fn new(limits: &[(u32, Limit)]) -> Self {
        let zone = |(rate, limit): &(u32, Limit)| (Zone::new("z", Rate::per_second(*rate)), *limit);
        Self {
            limits: limits.iter().map(zone).collect(),
            start: Instant::now(),
        }
    }

    fn asks<'a>(&'a self, keys: &'a [&str]) -> Vec<Ask<'a>> {
        let asks = self.limits.iter().zip(keys);
        asks.map(|((zone, limit), key)| Ask {
            zone,
            limit: *limit,
            key: key.as_bytes(),
        })
        .collect()
    }

    /// A request at so many milliseconds.
    fn at(&self, ms: u64) -> Verdict {
        self.of(ms, &["client"; 9])
    }

    fn of(&self, ms: u64, keys: &[&str]) -> Verdict {
        Local.decide(&self.asks(keys), self.start + millis(ms))
    }

    /// What is made of requests at these times: `pass`, `503`, or how many milliseconds they wait.
    fn trace(&self, times: &[u64]) -> Vec<String> {
        let word = |ms: &u64| match self.at(*ms) {
            Verdict::Pass { delay, .. } if delay.is_zero() => "pass".to_owned(),
            Verdict::Pass { delay, .. } => format!("+{}", delay.as_millis()),
            _ => "503".to_owned(),
        };
        times.iter().map(word).collect()
    }
}

fn burst(burst: u32) -> Limit {
    Limit {
        burst,
        ..Limit::default()
    }
}

fn with(burst: u32, delay: Delay) -> Limit {
    Limit { burst, delay }
}

#[track_caller]
fn assert_trace(limits: &[(u32, Limit)], times: &[u64], expected: &str) {
    let trace = World::new(limits).trace(times).join(" ");
    assert_eq!(trace, expected);
}

#[test]
fn w18_without_parameters() {
    let times = [0, 50, 110, 160, 220, 330];
    assert_trace(&[(10, burst(0))], &times, "pass 503 pass 503 pass pass");
}

#[test]
fn w18_burst_makes_wait() {
    let times = [0, 10, 20, 30, 40, 50, 60];
    let expected = "pass +90 +180 +270 503 503 503";
    assert_trace(&[(10, burst(3))], &times, expected);
}

#[test]
fn w18_nodelay() {
    let times = [0, 10, 20, 30, 40, 50, 60, 170, 300];
    let expected = "pass pass pass pass 503 503 503 pass pass";
    assert_trace(&[(10, with(3, Delay::Never))], &times, expected);
}

#[test]
fn w18_delay() {
    let times = [0, 10, 20, 30, 40, 50, 60];
    let expected = "pass pass pass +70 +160 503 503";
    assert_trace(&[(10, with(4, Delay::After(2)))], &times, expected);
}

#[test]
fn w18_of_two_zones_the_longest_wait_counts_and_a_refusal_charges_none() {
    let limits = [(10, burst(1)), (5, burst(5))];
    let times = [0, 10, 20, 30, 40, 50, 60];
    let world = World::new(&limits);
    assert_eq!(
        world.trace(&times).join(" "),
        "pass +190 503 503 503 503 503"
    );
    let y = |excess| Some(Standing { limit: 1, excess });
    // Five refusals later y stands where it stood: 950 of the second request, less what has drained.
    match world.at(130) {
        Verdict::Pass { standing, delay } => {
            assert_eq!(standing, y(950 - 5 * 120 + 1000));
            assert_eq!(delay, millis(270));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn w18_a_dry_run_says_what_would_have_been() {
    let world = World::new(&[(10, burst(0))]);
    let word = |ms| Status::of(&world.at(ms), true).to_string();
    assert_eq!(word(0), "PASSED");
    assert_eq!(word(10), "REJECTED_DRY_RUN");
    let world = World::new(&[(10, burst(1))]);
    let words = [0, 10, 20].map(|ms| Status::of(&world.at(ms), true).as_str());
    assert_eq!(words, ["PASSED", "DELAYED_DRY_RUN", "REJECTED_DRY_RUN"]);
    let world = World::new(&[(10, burst(1))]);
    let words = [0, 10, 20].map(|ms| Status::of(&world.at(ms), false).as_str());
    assert_eq!(words, ["PASSED", "DELAYED", "REJECTED"]);
}

#[test]
fn lr_1_rates_are_cut_to_thousandths() {
    assert_eq!(Rate::per_minute(5).thousandths(), 83);
    assert_eq!(Rate::per_second(10).thousandths(), 10_000);
    assert_eq!(Rate::per_minute(60), Rate::per_second(1));
}

#[test]
fn lr_3_a_clock_that_goes_back_drains_nothing() {
    let rate = Rate::per_second(1);
    let mut bucket = Bucket::new();
    assert_eq!(bucket.excess(rate, 100_000), 0);
    bucket.charge(0, 100_000);
    // Back within a minute: no time has passed, and the account's time stays.
    assert_eq!(bucket.excess(rate, 40_000), 1000);
    bucket.charge(1000, 40_000);
    assert_eq!(bucket.excess(rate, 100_500), 1500);
    // Further back: the clock was set, a millisecond has passed, and the account goes by it.
    assert_eq!(bucket.excess(rate, 39_999), 1999);
    bucket.charge(1999, 39_999);
    assert_eq!(bucket.excess(rate, 40_999), 1999);
}

#[test]
fn lr_4_refusals_are_free() {
    let world = World::new(&[(10, burst(0))]);
    assert_eq!(world.trace(&[0]), ["pass"]);
    let hammered: Vec<u64> = (1..100).collect();
    assert!(world.trace(&hammered).iter().all(|word| word == "503"));
    assert_eq!(world.trace(&[100]), ["pass"]);
}

#[test]
fn lr_5_a_request_without_a_wait_has_its_account_in_the_verdict() {
    let world = World::new(&[(10, with(3, Delay::Never)), (10, with(1, Delay::Never))]);
    let tightest = |excess| Verdict::Pass {
        delay: Duration::ZERO,
        standing: Some(Standing { limit: 1, excess }),
    };
    assert_eq!(world.at(0), tightest(0));
    assert_eq!(world.at(10), tightest(900));
}

#[test]
fn lr_6_keys_that_are_empty_or_huge_are_not_limited() {
    let world = World::new(&[(1, burst(0))]);
    let huge = "x".repeat(65_536);
    let free = Verdict::Pass {
        delay: Duration::ZERO,
        standing: None,
    };
    for key in ["", &huge] {
        for ms in 0..3 {
            assert_eq!(world.of(ms, &[key]), free);
        }
    }
    assert_eq!(world.limits[0].0.keys(), 0);
    let longest = &huge[1..];
    assert_ne!(world.of(0, &[longest]), free);
    assert!(matches!(world.of(0, &[longest]), Verdict::Refuse { .. }));
}

#[test]
fn lr_6_one_of_several_limits_may_not_apply() {
    let world = World::new(&[(1, burst(0)), (1, burst(1)), (1, burst(0))]);
    let keys = ["", "client", ""];
    let second = |excess| Some(Standing { limit: 1, excess });
    match world.of(0, &keys) {
        Verdict::Pass { standing, .. } => assert_eq!(standing, second(0)),
        other => panic!("{other:?}"),
    }
    match world.of(10, &keys) {
        Verdict::Pass { standing, delay } => {
            assert_eq!((standing, delay), (second(990), millis(990)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn lr_7_of_equal_waits_the_last_limit_is_named() {
    let world = World::new(&[(10, burst(5)), (10, burst(5))]);
    world.at(0);
    match world.at(10) {
        Verdict::Pass { standing, .. } => {
            let last = Standing {
                limit: 1,
                excess: 900,
            };
            assert_eq!(standing, Some(last));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_zone_twice_is_one_lock_and_one_charge() {
    let world = World::new(&[(10, burst(1))]);
    let limit = world.limits[0].clone();
    let world = World {
        limits: vec![limit.clone(), limit],
        ..world
    };
    assert_eq!(world.trace(&[0, 10, 20]), ["pass", "+90", "503"]);
}

#[test]
fn a_refusal_says_when_all_limits_would_let_it_through() {
    // After the first request: y says no until 200 ms, z until 1 s, though y is asked first.
    let world = World::new(&[(5, burst(0)), (1, burst(0))]);
    world.at(0);
    let Verdict::Refuse {
        standing,
        retry_after,
    } = world.at(10)
    else {
        panic!("let through");
    };
    assert_eq!(standing.limit, 0);
    assert_eq!(retry_after, millis(990));
    assert!(matches!(world.at(999), Verdict::Refuse { .. }));
    assert!(matches!(world.at(1000), Verdict::Pass { .. }));
}

#[test]
fn a_rate_of_nothing_lets_the_first_through_and_nothing_else() {
    let world = World::new(&[(0, burst(2))]);
    assert_eq!(world.trace(&[0]), ["pass"]);
    match world.at(10) {
        Verdict::Pass { delay, .. } => assert_eq!(delay, Duration::MAX),
        other => panic!("{other:?}"),
    }
}
