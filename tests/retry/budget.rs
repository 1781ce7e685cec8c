//! The budget's bound over every window, and what it grants within it.

use std::sync::Barrier;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;
use tower_upstream::retry::{Budget, BudgetConfig};

const WINDOW: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
enum Event {
    Requests(u16),
    /// As many retries as are wanted.
    Retries(u16),
    Wait(Duration),
}

/// Schedules that linger, jump to the edges of slots and windows, and come in bursts.
fn event() -> impl Strategy<Value = Event> {
    let wait = prop_oneof![
        3 => 0u64..50_000_000,
        2 => 0u64..3_000_000_000,
        1 => Just(250_000_000),
        1 => Just(249_999_999),
        1 => Just(10_000_000_000),
        1 => Just(9_999_999_999),
        1 => 0u64..12_000_000_000,
    ];
    prop_oneof![
        3 => (1u16..40).prop_map(Event::Requests),
        1 => (1u16..400).prop_map(Event::Requests),
        3 => (1u16..20).prop_map(Event::Retries),
        1 => (1u16..300).prop_map(Event::Retries),
        4 => wait.prop_map(|nanos| Event::Wait(Duration::from_nanos(nanos))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A window's sum changes only where it begins or ends at an event; the worst ones begin at an
    /// event, and the rest of their ten seconds can only hold more of both.
    #[test]
    fn in_every_ten_seconds_retries_are_a_share_of_requests_and_the_reserve(
        percent in prop_oneof![Just(0u32), Just(20), Just(33), Just(60), Just(100), 0u32..250],
        per_second in 0u32..12,
        events in prop::collection::vec(event(), 1..200),
    ) {
        let budget = Budget::new(percent, per_second);
        let start = Instant::now();
        let mut now = Duration::ZERO;
        // When, requests, retries.
        let mut log: Vec<(Duration, u64, u64)> = Vec::new();
        for event in events {
            match event {
                Event::Wait(pause) => now += pause,
                Event::Requests(n) => {
                    (0..n).for_each(|_| budget.deposit(start + now));
                    log.push((now, n.into(), 0));
                }
                Event::Retries(n) => {
                    let left = budget.snapshot(start + now).available;
                    let granted = (0..n).filter(|_| budget.withdraw(start + now)).count() as u64;
                    prop_assert_eq!(granted, left.min(n.into()));
                    log.push((now, 0, granted));
                }
            }
        }
        let reserve = u64::from(per_second) * WINDOW.as_secs();
        let mut edges: Vec<Duration> = log.iter().map(|(at, ..)| *at).collect();
        // Windows that end at an event, too.
        edges.extend(log.iter().map(|(at, ..)| at.saturating_sub(WINDOW)));
        for from in edges {
            let inside = log.iter().filter(|(at, ..)| (from..=from + WINDOW).contains(at));
            let (requests, retries) =
                inside.fold((0, 0), |(d, w), (_, deposits, taken)| (d + deposits, w + taken));
            prop_assert!(
                100 * retries <= u64::from(percent) * requests + 100 * reserve,
                "{retries} retries, {requests} requests in the ten seconds from {from:?}"
            );
        }
    }
}

/// tower-rs/tower#857: a share that is no reciprocal of a whole number was rounded to the next one, so
/// 60 % let every request be repeated.
#[test]
fn sixty_percent_are_sixty_percent() {
    for (percent, expected) in [(60, 600), (40, 400), (33, 330), (99, 990), (7, 70), (1, 10)] {
        let budget = Budget::new(percent, 1);
        let start = Instant::now();
        let now = |n: u32| start + Duration::from_millis(1) * n;
        while budget.withdraw(start) {}
        // Every request fails and asks for a retry.
        let granted = (1..=1000)
            .filter(|n| {
                budget.deposit(now(*n));
                budget.withdraw(now(*n))
            })
            .count();
        assert_eq!(granted, expected, "{percent} %");
    }
    let budget = Budget::new(60, 0);
    let now = Instant::now();
    (0..10).for_each(|_| budget.deposit(now));
    assert_eq!((0..100).filter(|_| budget.withdraw(now)).count(), 6);
}

/// The other direction of the bound: what it allows is granted.
#[test]
fn steady_failures_get_the_share_and_the_reserve_second_by_second() {
    let budget = Budget::default();
    let start = Instant::now();
    let mut granted = 0;
    for ms in 0..60_000u64 {
        let now = start + Duration::from_millis(ms);
        // 100 requests a second, each of which wants two retries.
        if ms % 10 == 0 {
            budget.deposit(now);
            granted += (0..2).filter(|_| budget.withdraw(now)).count();
        }
    }
    // Of 6000 requests, and of 60 seconds but for the quarter of a second that withdrawals are
    // remembered longer in every window.
    let (least, most) = (1200 + 580, 1200 + 600);
    assert!((least..=most).contains(&granted), "{granted} retries");
    let told = budget.snapshot(start + Duration::from_secs(60));
    assert_eq!(
        (told.withdrawn, told.refused),
        (granted as u64, 12_000 - granted as u64)
    );
}

/// Looking and taking are one step: however many ask at once, no more than there is comes out.
#[test]
fn threads_do_not_overdraw_it_together() {
    let budget = Budget::new(0, 100);
    let now = Instant::now();
    let barrier = Barrier::new(4);
    let taken: usize = std::thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            (0..1000).filter(|_| budget.withdraw(now)).count()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(taken, 1000);
    assert_eq!(budget.snapshot(now).refused, 3000);
}

#[test]
fn clones_are_one_budget() {
    let (one, now) = (Budget::new(0, 1), Instant::now());
    let two = one.clone();
    assert_eq!((0..7).filter(|_| one.withdraw(now)).count(), 7);
    assert_eq!((0..7).filter(|_| two.withdraw(now)).count(), 3);
}

#[test]
fn the_default_is_twenty_percent_and_ten_per_second() {
    assert_eq!(
        Budget::default().config(),
        BudgetConfig {
            percent: 20,
            per_second: 10
        }
    );
    assert!(BudgetConfig::default().problems().is_empty());
    let nothing = BudgetConfig {
        percent: 20,
        per_second: 0,
    };
    assert_eq!(nothing.problems().len(), 1);
    assert_eq!(Budget::default().snapshot(Instant::now()).available, 100);
}
