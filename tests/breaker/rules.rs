//! What each rule counts, and its configuration.

use std::time::Duration;

use tower_upstream::breaker::{
    Circuit, Consecutive, Ejection, FailureRule, FailureRules, State, SuccessRatio,
};

use crate::{millis, seconds, trip};

fn consecutive(failures: u32) -> Circuit {
    let rule = Consecutive {
        failures,
        ..Consecutive::default()
    };
    FailureRules::from(rule).circuit(1, Duration::ZERO)
}

fn ratio(rule: SuccessRatio) -> Circuit {
    FailureRules::from(rule).circuit(1, Duration::ZERO)
}

#[test]
fn max_fails_is_the_default_with_the_servers_own_numbers() {
    let mut rule = FailureRules::default().circuit(3, seconds(30));
    assert_eq!(trip(&mut rule, seconds(100)), 3);
    assert_eq!(rule.barred_until(), Some(seconds(131)));
}

#[test]
fn max_fails_counts_a_started_second_in_full() {
    let mut rule = FailureRules::MaxFails.circuit(1, millis(1500));
    trip(&mut rule, seconds(100));
    assert_eq!(rule.barred_until(), Some(seconds(103)));
}

#[test]
fn zero_max_fails_exempts_a_server_from_every_rule() {
    let rules = [
        FailureRules::MaxFails,
        Consecutive::default().into(),
        SuccessRatio::default().into(),
    ];
    for rules in rules {
        let mut rule = rules.circuit(0, seconds(10));
        for ms in 0..1000 {
            assert!(!rule.failed(millis(ms)), "{rules:?}");
        }
        assert_eq!(rule.barred_until(), None, "{rules:?}");
    }
}

#[test]
fn a_success_starts_the_count_of_consecutive_failures_again() {
    let mut rule = consecutive(3);
    for second in 0..100 {
        assert!(!rule.failed(seconds(second)));
        assert!(!rule.failed(seconds(second)));
        assert_eq!(rule.fails(), 2);
        rule.succeeded(seconds(second));
        assert_eq!(rule.fails(), 0);
    }
    assert_eq!(trip(&mut rule, seconds(100)), 3);
}

#[test]
fn a_peer_that_is_back_starts_with_a_clean_slate() {
    for mut rule in [consecutive(3), ratio(SuccessRatio::default())] {
        let needed = trip(&mut rule, seconds(100));
        rule.picked(seconds(110));
        rule.succeeded(seconds(110));
        assert_eq!(rule.fails(), 0);
        assert_eq!(trip(&mut rule, seconds(110)), needed);
    }
}

#[test]
fn the_ratio_is_not_judged_before_the_minimum() {
    let mut rule = ratio(SuccessRatio::default());
    assert_eq!(trip(&mut rule, seconds(100)), 20);
}

#[test]
fn a_ratio_at_the_threshold_holds_and_one_below_it_trips() {
    let minimum = 10;
    let mut rule = ratio(SuccessRatio {
        threshold: 60,
        minimum,
        ..SuccessRatio::default()
    });
    let now = seconds(100);
    for _ in 0..6 {
        rule.succeeded(now);
    }
    for failures in 1..=4 {
        assert!(!rule.failed(now), "6 of {}", 6 + failures);
    }
    assert!(rule.failed(now), "6 of 11");
}

#[test]
fn outcomes_leave_the_window_with_time() {
    let mut rule = ratio(SuccessRatio {
        minimum: 10,
        ..SuccessRatio::default()
    });
    for _ in 0..1000 {
        rule.succeeded(seconds(100));
    }
    for _ in 0..9 {
        assert!(!rule.failed(seconds(109)));
    }
    // The thousand are gone, the nine are not.
    assert!(rule.failed(seconds(110)));
}

#[test]
fn a_silent_window_forgets_failures() {
    let mut rule = ratio(SuccessRatio {
        minimum: 2,
        ..SuccessRatio::default()
    });
    for second in 0..100 {
        assert!(!rule.failed(seconds(10 * second)), "one in each window");
    }
    assert_eq!(rule.state(seconds(1000)), State::Closed);
}

#[test]
fn all_bad_numbers_are_named_at_once() {
    let ejection = Ejection {
        base: seconds(0),
        max: seconds(1),
        factor: 0,
        quiet: seconds(0),
        jitter: 101,
        seed: 0,
    };
    let rules: FailureRules = Consecutive {
        failures: 0,
        ejection,
    }
    .into();
    assert_eq!(
        rules.problems(),
        [
            "consecutive failures=0: at least 1",
            "ejection base=0s: more than zero",
            "ejection factor=0: at least 1",
            "ejection quiet=0s: more than zero",
            "ejection jitter=101: at most 100 percent",
        ]
    );
    let rules: FailureRules = SuccessRatio {
        threshold: 101,
        window: seconds(0),
        minimum: 0,
        ejection: Ejection {
            max: seconds(9),
            ..Ejection::default()
        },
    }
    .into();
    assert_eq!(
        rules.problems(),
        [
            "success ratio threshold=101: 1 to 100 percent",
            "success ratio window=0s: more than zero",
            "success ratio minimum=0: at least 1",
            "ejection max=9s: less than base=10s",
        ]
    );
    for rules in [
        FailureRules::MaxFails,
        Consecutive::default().into(),
        SuccessRatio::default().into(),
    ] {
        assert_eq!(rules.problems(), [""; 0]);
    }
}

#[test]
fn nonsense_in_the_configuration_does_not_panic() {
    for numbers in [0, 1, u32::MAX] {
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let ejection = Ejection {
                base: time,
                max: time,
                factor: numbers,
                quiet: time,
                jitter: numbers,
                seed: u64::MAX,
            };
            let rules = [
                FailureRules::MaxFails,
                Consecutive {
                    failures: numbers,
                    ejection,
                }
                .into(),
                SuccessRatio {
                    threshold: numbers,
                    window: time,
                    minimum: numbers,
                    ejection,
                }
                .into(),
            ];
            for mut rule in rules.map(|rules| rules.circuit(numbers, time)) {
                for now in [Duration::ZERO, seconds(5), seconds(4), Duration::MAX] {
                    rule.picked(now);
                    rule.failed(now);
                    rule.picked(now);
                    rule.abandoned(now);
                    rule.succeeded(now);
                }
            }
        }
    }
}

#[test]
fn rules_are_configured_by_name() {
    use serde_json::{from_value, json, to_value};

    let rules: FailureRules = from_value(json!("max_fails")).unwrap();
    assert_eq!(rules, FailureRules::MaxFails);
    let rules: FailureRules = from_value(json!({ "consecutive": { "failures": 7 } })).unwrap();
    let seven = Consecutive {
        failures: 7,
        ..Consecutive::default()
    };
    assert_eq!(rules, seven.into());
    let rules = FailureRules::from(SuccessRatio::default());
    assert_eq!(
        from_value::<FailureRules>(to_value(rules).unwrap()).unwrap(),
        rules
    );
    let unknown = from_value::<FailureRules>(json!({ "success_ratio": { "treshold": 7 } }));
    let message = unknown.unwrap_err().to_string();
    assert!(message.contains("unknown field `treshold`"), "{message}");
}
