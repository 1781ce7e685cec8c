//! Bounded memory: whose account is kept, whose is closed (LR-10).

use std::sync::Arc;
use std::thread;

use tokio::time::Instant;
use tower_upstream::limit::rate::{Ask, Limit, Local, Rate, Verdict, Zone};

use crate::millis;

struct World {
    zone: Zone,
    start: Instant,
}

impl World {
    /// Room for so many addresses, one request a second each.
    fn new(keys: u32) -> Self {
        Self {
            zone: Zone::with_keys("z", Rate::per_second(1), keys),
            start: Instant::now(),
        }
    }

    fn ask(&self, key: &str, seconds: u64) -> Verdict {
        let ask = Ask {
            zone: &self.zone,
            limit: Limit::default(),
            key: key.as_bytes(),
        };
        Local.decide(&[ask], self.start + millis(seconds * 1000))
    }

    fn passes(&self, key: &str, seconds: u64) -> bool {
        matches!(self.ask(key, seconds), Verdict::Pass { .. })
    }
}

#[test]
fn each_new_key_closes_up_to_two_idle_accounts() {
    let world = World::new(100);
    for key in ["a", "b", "c", "d"] {
        assert!(world.passes(key, 0));
    }
    assert_eq!(world.zone.keys(), 4);
    // A minute is not over: nothing is closed.
    assert!(world.passes("e", 59));
    assert_eq!(world.zone.keys(), 5);
    // It is: a and b go.
    assert!(world.passes("f", 60));
    assert_eq!(world.zone.keys(), 4);
    // c and d go, e is not idle yet.
    assert!(world.passes("g", 61));
    assert_eq!(world.zone.keys(), 3);
}

#[test]
fn a_key_that_is_known_closes_nothing() {
    let world = World::new(100);
    for key in ["a", "b", "c"] {
        world.ask(key, 0);
    }
    assert!(world.passes("c", 90));
    assert_eq!(world.zone.keys(), 3);
}

#[test]
fn an_account_in_excess_is_not_idle() {
    let zone = Zone::with_keys("z", Rate::per_minute(1), 100);
    let start = Instant::now();
    let ask = |key: &str, seconds: u64, burst| {
        let limit = Limit {
            burst,
            ..Limit::default()
        };
        let key = key.as_bytes();
        let zone = &zone;
        Local.decide(&[Ask { zone, limit, key }], start + millis(seconds * 1000))
    };
    // Five requests at once leave an excess of four, 16 thousandths of which drain in a second.
    for _ in 0..5 {
        ask("a", 0, 9);
    }
    ask("b", 240, 9);
    assert_eq!(zone.keys(), 2);
    ask("c", 250, 9);
    assert_eq!(zone.keys(), 2, "4000 thousandths are drained after 250 s");
}

#[test]
fn without_room_the_oldest_makes_place_however_busy_it_is() {
    let world = World::new(2);
    assert!(world.passes("a", 0));
    assert!(world.passes("b", 0));
    assert!(!world.passes("a", 0), "which makes b the oldest");
    assert!(world.passes("c", 0));
    assert_eq!(world.zone.keys(), 2);
    assert!(!world.passes("a", 0), "kept");
    assert!(world.passes("b", 0), "starts anew");
}

#[test]
fn what_finds_no_room_even_then_is_refused() {
    // Two pages: a key of one page fits, and one of three never does.
    let zone = Zone::with_keys("z", Rate::per_second(1), 64);
    let start = Instant::now();
    let ask = |key: &str| {
        let (zone, limit, key) = (&zone, Limit::default(), key.as_bytes());
        Local.decide(&[Ask { zone, limit, key }], start)
    };
    let passes = |key: &str| matches!(ask(key), Verdict::Pass { .. });
    for short in 0..64 {
        assert!(passes(&short.to_string()));
    }
    assert_eq!(zone.keys(), 64);
    // One is closed by force for it, and one is not enough.
    let long = "x".repeat(4000);
    assert_eq!(ask(&long), Verdict::Exhausted { limit: 0 });
    assert_eq!(zone.keys(), 63);
    let longer = "x".repeat(9000);
    assert_eq!(ask(&longer), Verdict::Exhausted { limit: 0 });
    assert!(passes("64"));
}

#[test]
fn a_zones_size_is_what_nginx_makes_of_it() {
    for (kilobytes, keys) in [(32, 191), (64, 447), (128, 959), (256, 1983), (1024, 8095)] {
        let zone = Zone::with_bytes("z", Rate::per_minute(1), kilobytes * 1024);
        let start = Instant::now();
        for number in 0..10_000u32 {
            let (zone, limit, key) = (&zone, Limit::default(), &number.to_be_bytes()[..]);
            Local.decide(&[Ask { zone, limit, key }], start);
        }
        assert_eq!(zone.keys(), keys, "{kilobytes}k");
    }
}

#[test]
fn clones_and_other_rates_share_the_accounts() {
    let world = World::new(9);
    assert!(world.passes("a", 0));
    let faster = World {
        zone: world.zone.clone().at_rate(Rate::per_second(1000)),
        start: world.start,
    };
    assert!(faster.zone.is(&world.zone));
    assert!(!faster.passes("a", 0));
    assert_eq!(faster.zone.keys(), 1);
    assert_eq!(faster.zone.rate(), Rate::per_second(1000));
}

/// Threads ask for the same zones in opposite orders: nobody waits for ever, nothing is lost, and what
/// passes is within what both allow.
#[test]
fn threads_that_take_zones_in_any_order_agree() {
    const THREADS: usize = 4;
    let zones = Arc::new([40u32, 60].map(|burst| {
        let limit = Limit {
            burst,
            ..Limit::default()
        };
        (Zone::new("z", Rate::per_minute(1)), limit)
    }));
    let start = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let zones = Arc::clone(&zones);
            thread::spawn(move || {
                let mut asks: Vec<Ask<'_>> = zones
                    .iter()
                    .map(|(zone, limit)| Ask {
                        zone,
                        limit: *limit,
                        key: b"k",
                    })
                    .collect();
                if thread % 2 == 1 {
                    asks.reverse();
                }
                let pass = |_: &u32| matches!(Local.decide(&asks, start), Verdict::Pass { .. });
                (0..500u32).filter(pass).count()
            })
        })
        .collect();
    let passed: usize = threads.into_iter().map(|t| t.join().unwrap()).sum();
    assert_eq!(passed, 41);
}
