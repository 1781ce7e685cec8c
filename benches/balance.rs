//! What a pick and its release cost, through [`Roster`], for every method at 8, 64 and 1024 peers:
//! alone, and contended by two threads; and what locking a mutex costs on the same machine in the same
//! run, so that the figures can be read as ratios.
//!
//! ```sh
//! cargo bench --bench balance
//! ```
//!
//! The yardstick is two lock-and-unlock pairs of a `std::sync::Mutex`, contended alike, for a pick and
//! its release take a lock once each.

use std::hint::black_box;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Instant as Stopwatch;

use tokio::time::Instant;
use tower_upstream::balance::{Affinity, Ending, Key, Member, Method, Roster, Setup, Times};

const SIZES: [usize; 3] = [8, 64, 1024];

/// Calls that are timed together, and how often.
const BATCH: u64 = 64;
const BATCHES: usize = 1_000;

/// The same of several threads: so many that they get in each other's way for milliseconds.
const CALLS: u64 = 20_000;
const ROUNDS: usize = 15;

/// Beyond a thousand peers nearly everything is a cache miss; a look at all of them is another order of
/// magnitude.
const MOST_GROWTH: f64 = 10.0;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    if !std::env::args().any(|arg| arg == "--bench") {
        for (_, method) in methods() {
            warm_up(&roster(method, SIZES[0]), SIZES[0]);
        }
        return;
    }
    let yardsticks = [1, 2].map(yardstick);
    println!("nanoseconds per pick and release; in brackets, times two mutex locks");
    println!(
        "{:<22} {:>6}   {:>15}   {:>15}",
        "method", "peers", "one thread", "two threads"
    );
    let (one, two) = (yardsticks[0], yardsticks[1]);
    println!(
        "{:<22} {:>6}   {one:>7.0} (  1.0)   {two:>7.0} (  1.0)",
        "two mutex locks", "-"
    );
    for (name, method) in methods() {
        let mut alone = Vec::new();
        for size in SIZES {
            let figures = [1, 2].map(|threads| measure(method, size, threads));
            let [one, two] = figures;
            let ratios = [one / yardsticks[0], two / yardsticks[1]];
            println!(
                "{name:<22} {size:>6}   {one:>7.0} ({:>5.1})   {two:>7.0} ({:>5.1})",
                ratios[0], ratios[1]
            );
            alone.push(one);
        }
        let growth = alone[SIZES.len() - 1] / alone[0];
        assert!(
            looks_at_all(method) || growth < MOST_GROWTH,
            "{name} costs {growth:.1} times as much for {} peers as for {}",
            SIZES[2],
            SIZES[0]
        );
    }
}

/// Whose cost may grow with the peers.
fn looks_at_all(method: Method) -> bool {
    matches!(method, Method::LeastConn | Method::LeastTime { .. })
}

fn methods() -> [(&'static str, Method); 10] {
    let by = |inflight| Method::LeastTime {
        by: Times::Header,
        inflight,
    };
    [
        ("round robin", Method::RoundRobin),
        ("least_conn", Method::LeastConn),
        ("hash", Method::Hash),
        ("hash consistent", Method::ConsistentHash),
        ("ip_hash", Method::IpHash),
        ("random", Method::Random),
        ("random two", Method::RandomTwo),
        ("least_time", by(false)),
        ("least_time inflight", by(true)),
        ("peak_ewma", Method::PeakEwma),
    ]
}

fn roster(method: Method, size: usize) -> Arc<Roster<Arc<str>>> {
    let setup = Setup {
        method,
        ..Setup::default()
    };
    let member = |number: usize| {
        let name: Arc<str> = format!("10.0.{}.{}:80", number / 256, number % 256).into();
        (Member::new(Arc::clone(&name)), name)
    };
    Arc::new(Roster::new(setup, (0..size).map(member).collect()))
}

/// Long enough for a recorded period to be closed, and for every peer to have answered.
fn warm_up(roster: &Arc<Roster<Arc<str>>>, size: usize) {
    for number in 0..4 * size as u64 + 64 {
        request(roster, number, Instant::now());
    }
}

fn request(roster: &Arc<Roster<Arc<str>>>, number: u64, now: Instant) {
    let mut walk = roster.walk(0);
    walk.bind(Affinity {
        key: Key::new(number.to_le_bytes()),
        client: Some([10, 0, (number >> 8) as u8, number as u8].into()),
        route: None,
    });
    if let Some((mut lease, way)) = roster.pick(&mut walk, now) {
        black_box(way);
        lease.answered(true);
        lease.settle(Ending::Served);
    }
}

fn measure(method: Method, size: usize, threads: usize) -> f64 {
    let roster = roster(method, size);
    warm_up(&roster, size);
    // Callers have read the clock for other reasons.
    let now = Instant::now();
    timed(threads, |number| request(&roster, number, now))
}

fn yardstick(threads: usize) -> f64 {
    let counter = Mutex::new(0u64);
    timed(threads, |number| {
        for _ in 0..2 {
            if let Ok(mut counter) = counter.lock() {
                *counter = counter.wrapping_add(black_box(number));
            }
        }
    })
}

/// Nanoseconds per call. Alone it is the lower quartile of many short batches, for what else the
/// machine does only adds to them. Of several threads it is the median time until all have made their
/// calls, divided by the calls of one: on a machine that has no processor for each it says little.
fn timed(threads: usize, call: impl Fn(u64) + Sync) -> f64 {
    if threads == 1 {
        let batch = |_| per_call(BATCH, || (0..BATCH).for_each(&call));
        return ranked((0..BATCHES).map(batch), BATCHES / 4);
    }
    let round = |_| {
        let (start, end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
        let run = |thread: u64| {
            start.wait();
            (0..CALLS).for_each(|number| call(thread << 32 | number));
            end.wait();
        };
        thread::scope(|scope| {
            let run = &run;
            for id in 0..threads as u64 {
                scope.spawn(move || run(id));
            }
            start.wait();
            per_call(CALLS, || {
                end.wait();
            })
        })
    };
    ranked((0..ROUNDS).map(round), ROUNDS / 2)
}

fn per_call(calls: u64, run: impl FnOnce()) -> f64 {
    let begun = Stopwatch::now();
    run();
    begun.elapsed().as_nanos() as f64 / calls as f64
}

fn ranked(figures: impl Iterator<Item = f64>, rank: usize) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures[rank]
}
