//! Any group, any rules, any events.

use std::time::Duration;

use proptest::prelude::*;
use tower_upstream::Semantics;
use tower_upstream::balance::{
    EjectionCap, Ending, Member, Method, PeerConfig, Route, Setup, SlowStart, Times,
};
use tower_upstream::breaker::{Consecutive, Ejection, FailureRules, SlowFault, SuccessRatio};

use super::group::name;

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A request begins, with this key and bound to this member of the pool, if to any.
    Begin(u8, Option<usize>),
    /// So many requests in a row, answered and served at once.
    Calm(usize),
    /// A running attempt is answered.
    Answer(u8, bool),
    /// A running attempt ends so, and its request asks the next.
    Retry(u8, Ending),
    /// A running request ends so.
    End(u8, Ending),
    Millis(u64),
    Health(usize, bool),
    /// The members are those of the pool whose bits are set.
    Set(u8),
}

pub(crate) const POOL: usize = 8;

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let ending = prop::sample::select(vec![
        Ending::Failed,
        Ending::Failed,
        Ending::Next,
        Ending::Served,
        Ending::Passed,
        Ending::Cut,
        Ending::Dropped,
        Ending::Superseded,
    ]);
    prop_oneof![
        8 => (any::<u8>(), prop::option::weighted(0.2, 0..POOL)).prop_map(|(k, r)| Event::Begin(k, r)),
        1 => (1usize..60).prop_map(Event::Calm),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(at, well)| Event::Answer(at, well)),
        4 => (any::<u8>(), ending.clone()).prop_map(|(at, how)| Event::Retry(at, how)),
        5 => (any::<u8>(), ending).prop_map(|(at, how)| Event::End(at, how)),
        3 => (0u64..3000).prop_map(Event::Millis),
        1 => (0..POOL, any::<bool>()).prop_map(|(at, well)| Event::Health(at, well)),
        1 => any::<u8>().prop_map(Event::Set),
    ]
}

fn method() -> impl Strategy<Value = Method> {
    let by = |by, inflight| Method::LeastTime { by, inflight };
    prop::sample::select(vec![
        Method::RoundRobin,
        Method::LeastConn,
        Method::Hash,
        Method::ConsistentHash,
        Method::IpHash,
        Method::Random,
        Method::RandomTwo,
        by(Times::Header, false),
        by(Times::Header, true),
        by(Times::LastByte, true),
        Method::PeakEwma,
    ])
}

fn failure_rule() -> impl Strategy<Value = FailureRules> {
    let ejection = Ejection {
        base: Duration::from_secs(1),
        ..Ejection::default()
    };
    prop::sample::select(vec![
        FailureRules::MaxFails,
        FailureRules::Consecutive(Consecutive {
            failures: 2,
            ejection,
        }),
        FailureRules::SuccessRatio(SuccessRatio {
            minimum: 3,
            ejection,
            ..SuccessRatio::default()
        }),
    ])
}

pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let semantics = prop::sample::select(vec![Semantics::Nginx, Semantics::Strict]);
    let cap = (0u32..=100, prop::sample::select(vec![0u32, 50, 100]));
    let cap = cap.prop_map(|(percent, panic)| EjectionCap { percent, panic });
    let slow_start = SlowStart {
        window: Duration::from_secs(5),
        ..SlowStart::default()
    };
    (
        method(),
        failure_rule(),
        prop::option::weighted(0.3, cap),
        prop::option::of(Just(SlowFault::default())),
        prop::option::weighted(0.3, Just(slow_start)),
        prop::bool::weighted(0.2),
        semantics,
        any::<u64>(),
    )
        .prop_map(
            |(method, failure_rule, cap, slow_fault, slow_start, shadow, semantics, seed)| Setup {
                method,
                failure_rule,
                cap,
                slow_fault,
                slow_start,
                shadow,
                semantics,
                seed,
            },
        )
}

fn config() -> impl Strategy<Value = PeerConfig> {
    let flag = || prop::bool::weighted(0.1);
    (1u32..40, 0u32..3, 0u64..3, 0u32..4, flag(), flag()).prop_map(
        |(weight, max_fails, fail_timeout, max_conns, down, drain)| PeerConfig {
            weight,
            max_fails,
            fail_timeout,
            max_conns: max_conns.saturating_sub(1),
            down,
            drain,
        },
    )
}

pub(crate) fn route(number: usize) -> Option<Route> {
    Route::new(&format!("r{number}"))
}

pub(crate) fn pool() -> impl Strategy<Value = Vec<Member>> {
    let one = (config(), prop::bool::weighted(0.3));
    prop::collection::vec(one, POOL).prop_map(|pool| {
        let number = |(number, (config, backup))| Member {
            config,
            backup,
            route: route(number),
            ..Member::new(name((b'A' + number as u8) as char))
        };
        pool.into_iter().enumerate().map(number).collect()
    })
}
