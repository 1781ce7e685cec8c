use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::snapshot::Snapshot;
use crate::clock::{self, Clock};
use crate::limit::bulkhead::gate::Gate;

/// The gate behind one short lock, and the clock it is told.
#[derive(Debug)]
pub(super) struct Core {
    gate: Mutex<Gate<Waker>>,
    clock: Clock,
    /// Nobody asks a fixed limit without a line for the time.
    timed: bool,
    /// Calls are to be told when they end.
    pub(super) learns: bool,
    /// Refused by their key's limit, which is not the gate's.
    pub(super) keyed: AtomicU64,
}

impl Core {
    pub(super) fn new(gate: Gate<Waker>) -> Self {
        Self {
            timed: gate.has_line() || gate.learns(),
            learns: gate.learns(),
            gate: Mutex::new(gate),
            clock: Clock::start(),
            keyed: AtomicU64::new(0),
        }
    }

    pub(super) fn now(&self) -> Duration {
        match self.timed {
            true => self.clock.time(clock::now()),
            false => Duration::ZERO,
        }
    }

    /// Under the lock: nothing that can call back into it, so wakers are neither woken nor dropped here.
    pub(super) fn tell<T>(&self, act: impl FnOnce(&mut Gate<Waker>) -> T) -> T {
        let (told, swept) = {
            // The machine does not panic half-way through a change.
            let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            let told = act(&mut gate);
            (told, gate.sweep())
        };
        drop(swept);
        told
    }

    /// [`tell`](Self::tell) of something that may leave a place free, and wake those who get it: in the
    /// same step, so that there is no moment in which a place is free and its waiter asleep.
    pub(super) fn free(&self, act: impl FnOnce(&mut Gate<Waker>, Duration)) {
        let now = self.now();
        let called = self.tell(|gate| {
            act(gate, now);
            let mut called = Vec::new();
            while let Some(waker) = gate.hand_on(now) {
                called.extend(waker);
            }
            called
        });
        called.into_iter().for_each(Waker::wake);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let now = self.now();
        let keyed = self.keyed.load(Relaxed);
        self.tell(|gate| {
            gate.at(now);
            let tally = gate.tally();
            Snapshot {
                limit: gate.limit(),
                in_flight: gate.in_flight(),
                waiting: gate.waiting(),
                admitted: tally.admitted,
                rejected: tally.full,
                rejected_by_key: keyed,
                shed: tally.shed,
                expired: tally.expired,
                cancelled: tally.abandoned,
                delayed: tally.delayed,
            }
        })
    }
}
