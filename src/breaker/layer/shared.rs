use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::gate::{Gate, Refusal, Ticket, Verdict};
use super::snapshot::{Mode, Snapshot};
use crate::classify::Condition;
use crate::clock::{self, Clock};

/// The gate behind one short lock, and the clock it is told.
#[derive(Debug)]
pub(super) struct Core {
    gate: Mutex<Gate>,
    clock: Clock,
    /// What [`Gate::may_refuse`] last said. A hint that spares the lock while all is well: whoever
    /// acts on it is asked again under the lock.
    wary: AtomicBool,
}

impl Core {
    pub(super) fn new(gate: Gate) -> Self {
        Self {
            gate: Mutex::new(gate),
            clock: Clock::start(),
            wary: AtomicBool::new(false),
        }
    }

    fn tell<T>(&self, at: Instant, act: impl FnOnce(&mut Gate) -> T) -> T {
        let now = self.clock.time(at);
        // The machine does not panic half-way through a change.
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.at(now);
        let told = act(&mut gate);
        self.wary.store(gate.may_refuse(), Ordering::Relaxed);
        told
    }

    /// A call would be refused now.
    pub(super) fn refuses(&self) -> bool {
        self.wary.load(Ordering::Relaxed) && self.tell(clock::now(), |gate| gate.refuses())
    }

    pub(super) fn refuse(&self) -> Refusal {
        self.tell(clock::now(), Gate::refuse)
    }

    pub(super) fn unready(&self, condition: Condition) {
        self.tell(clock::now(), |gate| gate.unready(Verdict::of(condition)));
    }

    pub(super) fn force(&self, mode: Mode) {
        self.tell(clock::now(), |gate| gate.force(mode));
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.tell(clock::now(), |gate| gate.snapshot())
    }
}

/// What one layer value, its clones and all their services have in common.
pub(super) struct Shared<C> {
    pub(super) core: Arc<Core>,
    pub(super) classify: C,
    pub(super) slow_call: Option<Duration>,
}

impl<C> Shared<C> {
    /// Lets a call through, or not.
    pub(super) fn admit(self: &Arc<Self>) -> Result<Call<C>, Refusal> {
        let at = clock::now();
        let ticket = self.core.tell(at, Gate::admit)?;
        Ok(Call {
            shared: Arc::clone(self),
            ticket: Some(ticket),
            at,
        })
    }
}

impl<C> fmt::Debug for Shared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("core", &self.core)
            .field("slow_call", &self.slow_call)
            .finish_non_exhaustive()
    }
}

/// A call that was let through. It is settled exactly once: by [`settle`](Self::settle), or as
/// cancelled when it is dropped, whichever await its owner died at.
pub(super) struct Call<C> {
    pub(super) shared: Arc<Shared<C>>,
    ticket: Option<Ticket>,
    at: Instant,
}

impl<C> Call<C> {
    pub(super) fn settle(mut self, condition: Condition) {
        self.end(Verdict::of(condition));
    }

    fn end(&mut self, verdict: Verdict) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let now = clock::now();
        let age = now.saturating_duration_since(self.at);
        let slow = self.shared.slow_call.is_some_and(|limit| age >= limit);
        let verdict = match verdict {
            Verdict::Success | Verdict::Cancelled if slow => Verdict::Failure,
            verdict => verdict,
        };
        self.shared
            .core
            .tell(now, |gate| gate.settle(ticket, verdict));
    }
}

impl<C> Drop for Call<C> {
    fn drop(&mut self) {
        self.end(Verdict::Cancelled);
    }
}

impl<C> fmt::Debug for Call<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.ticket).finish()
    }
}
