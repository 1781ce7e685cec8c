//! A service of ten workers, ten milliseconds a call: a thousand calls a second are its capacity. Calls
//! come at random, and what is answered within 100 ms counts. The numbers asserted are those of a share
//! of the capacity, and of the 99th percentile of the latency, waiting included.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use super::adaptive::{Ended, Gradient2, Limit, Vegas};
use super::class::{Class, Shares};
use super::gate::{Gate, Outlook, Reception, Ticket};
use super::queue::{Queue, Turn};

const WORKERS: usize = 10;
const CALL: f64 = 0.010;
const OBJECTIVE: Duration = Duration::from_millis(100);

/// How long calls take of their own.
#[derive(Clone, Copy, Debug)]
enum Scatter {
    /// Exponential: most far less than the mean, some far more.
    Wide,
    /// Within a fifth of the mean.
    Narrow,
}

#[derive(Clone, Debug)]
struct Case {
    limit: Limit,
    queue: Option<Queue>,
    scatter: Scatter,
    /// Calls per second.
    rate: f64,
    seconds: f64,
    /// Threefold times between these.
    slow: Option<(f64, f64)>,
    /// What is looked at.
    from: f64,
    to: f64,
    /// Of every call, whether it ends in a timeout after so long instead.
    timeouts: Option<f64>,
    seed: u64,
}

impl Case {
    fn new(limit: impl Into<Limit>, scatter: Scatter, seed: u64) -> Self {
        Self {
            limit: limit.into(),
            queue: None,
            scatter,
            rate: 2000.0,
            seconds: 20.0,
            slow: None,
            from: 10.0,
            to: 20.0,
            timeouts: None,
            seed,
        }
    }

    /// Twice the capacity.
    fn double(limit: impl Into<Limit>, scatter: Scatter, seed: u64) -> Self {
        Self::new(limit, scatter, seed)
    }

    /// Four fifths of the capacity, of which a third is left for a while.
    fn slow(limit: impl Into<Limit>, scatter: Scatter, seed: u64) -> Self {
        Self {
            rate: 800.0,
            seconds: 30.0,
            slow: Some((10.0, 30.0)),
            from: 10.0,
            to: 30.0,
            ..Self::new(limit, scatter, seed)
        }
    }

    /// A tenth too much for minutes, of which the end counts.
    fn long(limit: impl Into<Limit>, scatter: Scatter, seed: u64) -> Self {
        Self {
            rate: 1100.0,
            seconds: 150.0,
            from: 130.0,
            to: 150.0,
            ..Self::new(limit, scatter, seed)
        }
    }

    fn queued(self) -> Self {
        Self {
            queue: Some(Queue {
                length: 200,
                ..Queue::default()
            }),
            ..self
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Percent of the capacity answered in time.
    goodput: f64,
    /// In milliseconds.
    p99: f64,
    limit: usize,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Call,
    Expiry(usize),
    Done(usize),
}

#[derive(Clone, Copy, Debug)]
struct Call {
    came: Duration,
    turn: Option<Turn>,
    ticket: Option<Ticket>,
}

/// The gate in front of its service.
struct World {
    case: Case,
    gate: Gate<usize>,
    random: fastrand::Rng,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    number: u64,
    calls: Vec<Call>,
    busy: usize,
    line: VecDeque<usize>,
}

impl World {
    fn at(&mut self, time: Duration, event: Event) {
        self.number += 1;
        self.events.push(Reverse((time, self.number, event)));
    }

    fn exponential(&mut self, mean: f64) -> Duration {
        Duration::from_secs_f64(-mean * (1.0 - self.random.f64()).ln())
    }

    fn takes(&mut self, now: Duration) -> Duration {
        let now = now.as_secs_f64() - 1.0;
        let slow = self
            .case
            .slow
            .is_some_and(|(from, to)| (from..to).contains(&now));
        let mean = if slow { 3.0 * CALL } else { CALL };
        match (self.case.timeouts, self.case.scatter) {
            (Some(after), _) => Duration::from_secs_f64(after),
            (None, Scatter::Wide) => self.exponential(mean),
            (None, Scatter::Narrow) => {
                Duration::from_secs_f64(mean * (0.8 + 0.4 * self.random.f64()))
            }
        }
    }

    fn begin(&mut self, call: usize, now: Duration) {
        if self.busy < WORKERS || self.case.timeouts.is_some() {
            self.busy += 1;
            let done = now + self.takes(now);
            self.at(done, Event::Done(call));
        } else {
            self.line.push_back(call);
        }
    }

    fn look(&mut self, call: usize, now: Duration) {
        let Some(turn) = self.calls[call].turn else {
            return;
        };
        match self.gate.look(turn, now, || call) {
            Outlook::Served(ticket) => {
                self.calls[call].turn = None;
                self.calls[call].ticket = Some(ticket);
                self.begin(call, now);
            }
            Outlook::Waits => self.at(turn.until, Event::Expiry(call)),
            Outlook::Refused(_) => self.calls[call].turn = None,
        }
    }

    fn come(&mut self, now: Duration) {
        let call = self.calls.len();
        self.calls.push(Call {
            came: now,
            turn: None,
            ticket: None,
        });
        match self.gate.come(Class::Critical, None, now) {
            Reception::Served(ticket) => {
                self.calls[call].ticket = Some(ticket);
                self.begin(call, now);
            }
            Reception::Waits(turn, displaced) => {
                assert_eq!(displaced, None);
                self.calls[call].turn = Some(turn);
                self.look(call, now);
            }
            Reception::Refused(_) => {}
        }
    }

    fn done(&mut self, call: usize, now: Duration) {
        self.busy -= 1;
        if let Some(next) = self.line.pop_front() {
            self.begin(next, now);
        }
        let ended = match self.case.timeouts {
            Some(_) => Ended::Overloaded,
            None => Ended::Served,
        };
        if let Some(ticket) = self.calls[call].ticket.take() {
            self.gate.ended(ticket, ended, now);
            self.gate.leave();
        }
        while let Some(waker) = self.gate.hand_on(now) {
            self.look(waker.expect("everybody has looked"), now);
        }
    }
}

fn run(case: Case) -> Seen {
    let mut world = World {
        gate: Gate::new(case.limit.limiter(case.seed), Shares::WHOLE, case.queue),
        random: fastrand::Rng::with_seed(case.seed),
        events: BinaryHeap::new(),
        number: 0,
        calls: Vec::new(),
        busy: 0,
        line: VecDeque::new(),
        case,
    };
    let (from, to) = (world.case.from, world.case.to);
    let mut took = Vec::new();
    world.at(Duration::from_secs(1), Event::Call);
    while let Some(Reverse((now, _, event))) = world.events.pop() {
        let seconds = now.as_secs_f64() - 1.0;
        if seconds > world.case.seconds {
            break;
        }
        match event {
            Event::Call => {
                let next = now + world.exponential(1.0 / world.case.rate);
                world.at(next, Event::Call);
                world.come(now);
            }
            Event::Expiry(call) => world.look(call, now),
            Event::Done(call) => {
                if (from..to).contains(&seconds) {
                    took.push(now - world.calls[call].came);
                }
                world.done(call, now);
            }
        }
        assert!(world.gate.in_flight() <= 1000);
    }
    took.sort_unstable();
    let good = took.iter().filter(|took| **took <= OBJECTIVE).count();
    let slowed = world.case.slow.is_some_and(|slow| slow.0 <= from);
    let capacity = WORKERS as f64 / CALL / if slowed { 3.0 } else { 1.0 };
    let possible = capacity.min(world.case.rate) * (to - from);
    Seen {
        goodput: 100.0 * good as f64 / possible,
        p99: took
            .get(took.len() * 99 / 100)
            .map_or(0.0, |t| t.as_secs_f64() * 1000.0),
        limit: world.gate.limit(),
    }
}

/// Each case under both kinds of scatter and two seeds.
fn all(make: impl Fn(Scatter, u64) -> Case) -> Vec<Seen> {
    let kinds = [Scatter::Wide, Scatter::Narrow];
    let each = kinds
        .into_iter()
        .flat_map(|scatter| [(scatter, 1), (scatter, 2)]);
    each.map(|(scatter, seed)| run(make(scatter, seed)))
        .collect()
}

/// Fails with all that was seen.
fn each(seen: &[Seen], goodput: f64, p99: f64, limit: usize) {
    let fine = |s: &Seen| s.goodput >= goodput && s.p99 <= p99 && s.limit <= limit;
    assert!(seen.iter().all(fine), "{seen:?}");
}

/// What all the others are there to prevent.
#[test]
fn a_limit_too_high_answers_nothing_in_time() {
    for seen in [
        all(|s, n| Case::double(200, s, n)),
        all(|s, n| Case::slow(200, s, n)),
    ] {
        assert!(seen.iter().all(|seen| seen.goodput < 20.0), "{seen:?}");
    }
}

#[test]
fn a_fixed_limit_with_a_queue_holds_under_every_load() {
    each(
        &all(|s, n| Case::double(10, s, n).queued()),
        97.0,
        100.0,
        10,
    );
    each(&all(|s, n| Case::slow(10, s, n).queued()), 90.0, 175.0, 10);
    each(&all(|s, n| Case::long(10, s, n).queued()), 95.0, 100.0, 10);
}

#[test]
fn vegas_holds_under_every_load_and_does_not_drift() {
    let vegas = Vegas::default();
    each(&all(|s, n| Case::double(vegas, s, n)), 95.0, 80.0, 50);
    each(&all(|s, n| Case::slow(vegas, s, n)), 80.0, 190.0, 60);
    each(&all(|s, n| Case::long(vegas, s, n)), 92.0, 80.0, 50);
}

#[test]
fn gradient2_holds_under_every_load() {
    let gradient = Gradient2::default();
    each(&all(|s, n| Case::double(gradient, s, n)), 95.0, 100.0, 60);
    each(&all(|s, n| Case::slow(gradient, s, n)), 80.0, 190.0, 60);
    each(&all(|s, n| Case::long(gradient, s, n)), 95.0, 100.0, 80);
}

/// Growing on success alone, others went from 10 to 510 on one call at a time.
#[test]
fn what_is_not_used_does_not_grow() {
    for limit in [
        Limit::Vegas(Vegas::default()),
        Limit::Gradient2(Gradient2::default()),
    ] {
        let seen = run(Case {
            rate: 50.0,
            ..Case::new(limit, Scatter::Narrow, 1)
        });
        assert_eq!(seen.limit, 20, "{limit:?}");
    }
}

/// Latencies that all are the caller's patience are steady, and say nothing of what the service takes.
#[test]
fn timeouts_bring_a_limit_down_to_its_least() {
    for (limit, least) in [
        (Limit::Vegas(Vegas::default()), 1),
        (Limit::Gradient2(Gradient2::default()), 20),
    ] {
        let seen = run(Case {
            timeouts: Some(0.5),
            ..Case::new(limit, Scatter::Narrow, 1)
        });
        assert_eq!(seen.limit, least, "{limit:?}");
    }
}

/// A base that only ever falls holds a limit down for ever once the service has become another.
#[test]
fn a_service_that_becomes_slower_for_good_is_not_held_down() {
    for limit in [
        Limit::Vegas(Vegas::default()),
        Limit::Gradient2(Gradient2::default()),
    ] {
        let seen = all(|scatter, seed| Case {
            rate: 250.0,
            slow: Some((5.0, 60.0)),
            seconds: 30.0,
            from: 20.0,
            to: 30.0,
            ..Case::new(limit, scatter, seed)
        });
        let served = |s: &Seen| s.goodput >= 80.0;
        assert!(seen.iter().all(served), "{limit:?} {seen:?}");
    }
}
