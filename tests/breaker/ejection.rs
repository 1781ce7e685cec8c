//! Ejections grow, shrink, end in one probe, and never last longer than they may.

use std::time::Duration;

use proptest::prelude::*;
use tower_upstream::breaker::{Circuit, Consecutive, Ejection, FailureRule, FailureRules, State};

use crate::{millis, pick, seconds, trip};

fn circuit(ejection: Ejection) -> Circuit {
    let failures = 1;
    FailureRules::from(Consecutive { failures, ejection }).circuit(1, Duration::ZERO)
}

/// How long it is out after a failure at `now`.
fn ejected(rule: &mut Circuit, now: Duration) -> Duration {
    trip(rule, now);
    rule.barred_until().unwrap() - now
}

#[test]
fn every_failed_probe_doubles_the_ejection_up_to_the_cap() {
    let mut rule = circuit(Ejection::default());
    let mut now = seconds(1000);
    for expected in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(ejected(&mut rule, now), seconds(expected));
        now = rule.barred_until().unwrap();
        assert_eq!(rule.state(now - millis(1)), State::Open);
        assert_eq!(rule.state(now), State::HalfOpen);
    }
}

#[test]
fn each_quiet_interval_takes_one_step_back() {
    let relapse_after = |quiet| {
        let mut rule = circuit(Ejection::default());
        let mut now = seconds(1000);
        // 10, 20, 40: the next would be 80.
        for _ in 0..3 {
            trip(&mut rule, now);
            now = rule.barred_until().unwrap();
        }
        assert_eq!(pick(&mut rule, now), State::HalfOpen);
        rule.succeeded(now);
        assert_eq!(rule.state(now), State::Closed);
        ejected(&mut rule, now + quiet)
    };
    assert_eq!(relapse_after(seconds(0)), seconds(80));
    assert_eq!(relapse_after(seconds(29)), seconds(80));
    assert_eq!(relapse_after(seconds(30)), seconds(40));
    assert_eq!(relapse_after(seconds(60)), seconds(20));
    assert_eq!(relapse_after(seconds(90)), seconds(10));
    assert_eq!(relapse_after(seconds(90_000)), seconds(10));
}

#[test]
fn one_step_back_from_the_cap_is_one_step() {
    let mut rule = circuit(Ejection::default());
    let mut now = seconds(1000);
    for _ in 0..50 {
        trip(&mut rule, now);
        now = rule.barred_until().unwrap();
    }
    pick(&mut rule, now);
    rule.succeeded(now);
    assert_eq!(ejected(&mut rule, now + seconds(30)), seconds(160));
}

#[test]
fn a_lost_probe_gives_its_place_back_when_the_lease_runs_out() {
    let mut rule = circuit(Ejection::default());
    trip(&mut rule, seconds(0));
    assert_eq!(pick(&mut rule, seconds(10)), State::HalfOpen);
    assert_eq!(pick(&mut rule, seconds(10)), State::Open);
    assert_eq!(pick(&mut rule, seconds(19)), State::Open);
    // As long as the ejection, and nothing was heard: no step up.
    assert_eq!(pick(&mut rule, seconds(20)), State::HalfOpen);
    assert_eq!(rule.barred_until(), Some(seconds(30)));
}

#[test]
fn an_abandoned_probe_gives_its_place_back_at_once() {
    let mut rule = circuit(Ejection::default());
    trip(&mut rule, seconds(0));
    assert_eq!(pick(&mut rule, seconds(10)), State::HalfOpen);
    rule.abandoned(seconds(12));
    assert_eq!(pick(&mut rule, seconds(12)), State::HalfOpen);
    assert_eq!(pick(&mut rule, seconds(12)), State::Open);
    rule.succeeded(seconds(13));
    assert_eq!(rule.state(seconds(13)), State::Closed);
}

#[test]
fn what_was_in_flight_neither_prolongs_nor_lifts_an_ejection() {
    let mut rule = circuit(Ejection::default());
    trip(&mut rule, seconds(0));
    for second in 1..9 {
        assert!(!rule.failed(seconds(second)));
        rule.succeeded(seconds(second));
        rule.abandoned(seconds(second));
        assert_eq!(rule.barred_until(), Some(seconds(10)));
    }
    // The ban is over, but nobody has been sent to look.
    rule.succeeded(seconds(11));
    assert_eq!(rule.state(seconds(11)), State::HalfOpen);
}

#[test]
fn jitter_follows_from_the_seed_and_the_moment() {
    let lengths = |seed| -> Vec<Duration> {
        let jitter = 50;
        let ejection = Ejection {
            jitter,
            seed,
            ..Ejection::default()
        };
        (0..200)
            .map(|ms| ejected(&mut circuit(ejection), millis(ms)))
            .collect()
    };
    let some = lengths(7);
    assert_eq!(some, lengths(7));
    assert_ne!(some, lengths(8));
    assert!(some.iter().all(|l| (seconds(5)..=seconds(10)).contains(l)));
    // Spread over the whole of it, not around one place.
    assert!(some.iter().any(|l| *l < millis(5500)));
    assert!(some.iter().any(|l| *l > millis(9500)));
}

proptest! {
    /// Whatever the numbers, and though they are nonsense: it ends, within the cap, in one probe.
    #[test]
    fn an_ejection_ends_within_its_cap_in_one_probe(
        base in 0u64..u64::MAX, max in 0u64..u64::MAX, factor: u32, quiet: u64, jitter: u32,
        seed: u64, start in 0u64..1 << 40, times in 1usize..40,
    ) {
        let nanos = Duration::from_nanos;
        let ejection = Ejection {
            base: nanos(base), max: nanos(max), factor, quiet: nanos(quiet), jitter, seed,
        };
        let mut rule = circuit(ejection);
        let mut now = nanos(start);
        for _ in 0..times {
            prop_assert!(ejected(&mut rule, now) <= nanos(max));
            now = rule.barred_until().unwrap();
            let mut other = rule.clone();
            prop_assert_eq!(pick(&mut other, now), State::HalfOpen);
            if other.barred_until().unwrap() > now {
                prop_assert_eq!(pick(&mut other, now), State::Open);
            }
        }
    }
}
