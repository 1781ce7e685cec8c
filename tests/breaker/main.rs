//! When somebody is left alone and tried again: the rules on a hand-moved clock, the layer on
//! Tokio's paused one.

mod defects;
mod ejection;
mod ending;
mod handle;
mod http;
mod layer;
mod rules;
mod window;
mod world;

use std::time::Duration;

use tower_upstream::breaker::{FailureRule, State};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// As the owner of a rule does it: asks, and picks if that is allowed.
fn pick(rule: &mut impl FailureRule, now: Duration) -> State {
    let state = rule.state(now);
    if state != State::Open {
        rule.picked(now);
    }
    state
}

/// Takes a rule out of use, at `now`, with failures only. How many it took.
fn trip(rule: &mut impl FailureRule, now: Duration) -> u32 {
    for failures in 1..=1000 {
        assert_ne!(pick(rule, now), State::Open);
        if rule.failed(now) {
            return failures;
        }
    }
    panic!("a thousand failures do not trip {rule:?}");
}
