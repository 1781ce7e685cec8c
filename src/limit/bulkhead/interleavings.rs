//! Every order in which a few callers can come, look, go away and be done, with time running out in
//! between: a small model of the lock's other side, searched to its end.

use std::collections::HashSet;
use std::time::Duration;

use super::Limit;
use super::class::{Class, Shares};
use super::gate::{Gate, Outlook, Reception, Ticket};
use super::queue::{Queue, Turn};

const ACTORS: usize = 4;

#[derive(Clone, Debug)]
enum Actor {
    Absent,
    /// In line. `polled`: its waker is known; `woken`: and has been called since.
    Waiting {
        turn: Turn,
        polled: bool,
        woken: bool,
    },
    Served(#[expect(dead_code)] Ticket),
    Done,
}

#[derive(Clone, Debug)]
struct World {
    gate: Gate<usize>,
    actors: [Actor; ACTORS],
    now: u64,
}

const CLASSES: [Class; ACTORS] = [
    Class::Critical,
    Class::Sheddable,
    Class::Critical,
    Class::CriticalPlus,
];

impl World {
    fn new(limit: usize, shares: Shares, length: usize) -> Self {
        let queue = Queue {
            length,
            ..Queue::default()
        };
        Self {
            gate: Gate::new(Limit::Fixed(limit).limiter(0), shares, Some(queue)),
            actors: std::array::from_fn(|_| Actor::Absent),
            now: 1,
        }
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    fn wake(&mut self, who: usize) {
        if let Actor::Waiting { woken, .. } = &mut self.actors[who] {
            *woken = true;
        }
    }

    /// As the door does after every release, under the same lock.
    fn hand_on(&mut self) {
        while let Some(waker) = self.gate.hand_on(self.time()) {
            if let Some(who) = waker {
                self.wake(who);
            }
        }
    }

    /// All that `who` can do now, each in a world of its own.
    fn steps(&self, who: usize) -> Vec<Self> {
        let mut steps = Vec::new();
        match self.actors[who] {
            Actor::Absent => {
                let mut next = self.clone();
                next.actors[who] = match next.gate.come(CLASSES[who], None, self.time()) {
                    Reception::Served(ticket) => Actor::Served(ticket),
                    Reception::Waits(turn, displaced) => {
                        if let Some(other) = displaced {
                            next.wake(other);
                        }
                        Actor::Waiting {
                            turn,
                            polled: false,
                            woken: false,
                        }
                    }
                    Reception::Refused(_) => Actor::Done,
                };
                steps.push(next);
            }
            Actor::Waiting { turn, woken, .. } => {
                let mut looks = self.clone();
                looks.actors[who] = match looks.gate.look(turn, self.time(), || who) {
                    Outlook::Served(ticket) => Actor::Served(ticket),
                    Outlook::Waits => {
                        assert!(!woken, "woken for nothing: {self:?}");
                        Actor::Waiting {
                            turn,
                            polled: true,
                            woken: false,
                        }
                    }
                    Outlook::Refused(_) => Actor::Done,
                };
                steps.push(looks);
                let mut quits = self.clone();
                quits.gate.quit(turn, self.time());
                quits.actors[who] = Actor::Done;
                quits.hand_on();
                steps.push(quits);
            }
            Actor::Served(_) => {
                let mut next = self.clone();
                next.gate.leave();
                next.actors[who] = Actor::Done;
                next.hand_on();
                steps.push(next);
            }
            Actor::Done => {}
        }
        steps
    }

    fn check(&self, limit: usize) {
        let is = |what: fn(&Actor) -> bool| self.actors.iter().filter(|a| what(a)).count();
        let served = is(|a| matches!(a, Actor::Served(_)));
        let in_flight = self.gate.in_flight();
        assert!(served <= in_flight && in_flight <= limit, "{self:?}");
        // Those who have been called and have not looked: awake, or yet to be polled.
        let called = in_flight - served;
        let about = is(|a| matches!(a, Actor::Waiting { polled, woken, .. } if *woken || !*polled));
        assert!(called <= about, "called, and nobody told him: {self:?}");
        // Whoever waits waits for somebody, or for a share, or his time is over.
        let mut gate = self.gate.clone();
        assert_eq!(
            gate.hand_on(self.time()),
            None,
            "room for one who waits: {self:?}"
        );
        if is(|a| !matches!(a, Actor::Done)) == 0 {
            assert_eq!((in_flight, self.gate.waiting()), (0, 0), "{self:?}");
            let tally = self.gate.tally();
            let ends = tally.admitted + tally.full + tally.shed + tally.expired + tally.abandoned;
            assert_eq!(ends, ACTORS as u64, "everybody ends once: {self:?}");
        }
    }
}

fn explore(limit: usize, shares: Shares, length: usize) -> usize {
    let mut seen = HashSet::new();
    let mut open = vec![World::new(limit, shares, length)];
    while let Some(mut world) = open.pop() {
        world.check(limit);
        world.gate.sweep();
        if !seen.insert(format!("{world:?}")) {
            continue;
        }
        for who in 0..ACTORS {
            open.extend(world.steps(who));
        }
        // Long enough for the impatient, then for all.
        if world.now < 120 {
            let mut later = world.clone();
            later.now += 60;
            open.push(later);
        }
    }
    seen.len()
}

#[test]
fn no_order_of_events_loses_a_place_or_a_wake_up() {
    for (limit, shares, length) in [
        (1, Shares::WHOLE, 3),
        (1, Shares::WHOLE, 1),
        (2, Shares::default(), 2),
    ] {
        let states = explore(limit, shares, length);
        assert!(states > 1000, "{states} are not all");
    }
}
