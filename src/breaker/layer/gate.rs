use std::time::Duration;

use super::snapshot::{Mode, Snapshot};
use crate::breaker::{FailureRule, State};
use crate::classify::Condition;

/// A rule and whom it listens to. It is told the time and does nothing else.
#[derive(Debug)]
pub(super) struct Gate {
    rule: Box<dyn FailureRule>,
    mode: Mode,
    shadow: bool,
    /// The latest time told: threads read the clock before they queue for the lock.
    now: Duration,
    /// A new one begins with every trip, probe and change of mode. Only calls of the present one are
    /// heard, so none from before a trip can close, reopen or keep open the circuit.
    generation: u64,
    /// The present generation began with a probe that has not ended.
    probe: bool,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    opened: u64,
    admitted: u64,
    rejected: u64,
    would_have_rejected: u64,
    successes: u64,
    failures: u64,
    neutral: u64,
    cancelled: u64,
    unheard: u64,
}

/// What a call that was let through has to show when it ends.
#[derive(Debug)]
pub(super) struct Ticket {
    /// None: a call that would have been refused.
    generation: Option<u64>,
}

/// Why a call was not let through.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    Open { retry_after: Duration },
    Forced,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Failure,
    Neutral,
    Cancelled,
}

impl Verdict {
    /// A service that says 429 is neither ill nor known to be well: it must not end a ban.
    pub(super) fn of(condition: Condition) -> Self {
        match condition {
            Condition::Served
            | Condition::Http403
            | Condition::Http404
            | Condition::Grpc { counts: false, .. } => Self::Success,
            Condition::Aborted | Condition::Exhausted | Condition::Http429 => Self::Neutral,
            Condition::Error
            | Condition::Timeout
            | Condition::InvalidHeader
            | Condition::Http500
            | Condition::Http502
            | Condition::Http503
            | Condition::Http504
            | Condition::Grpc { counts: true, .. } => Self::Failure,
        }
    }
}

impl Gate {
    pub(super) fn new(rule: Box<dyn FailureRule>, shadow: bool) -> Self {
        Self {
            rule,
            mode: Mode::Automatic,
            shadow,
            now: Duration::ZERO,
            generation: 0,
            probe: false,
            counts: Counts::default(),
        }
    }

    /// Tells the time.
    pub(super) fn at(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// A call asks to be let through.
    pub(super) fn admit(&mut self) -> Result<Ticket, Refusal> {
        if self.refuses() {
            return Err(self.refuse());
        }
        self.counts.admitted += 1;
        let state = self.rule.state(self.now);
        let generation = match self.mode {
            Mode::Automatic if state == State::Open => {
                self.counts.would_have_rejected += 1;
                None
            }
            Mode::Automatic => {
                self.rule.picked(self.now);
                if state == State::HalfOpen {
                    self.turn();
                    self.probe = true;
                }
                Some(self.generation)
            }
            Mode::ForcedOpen | Mode::ForcedClosed => None,
        };
        Ok(Ticket { generation })
    }

    /// A call is not let through, for whatever reason.
    pub(super) fn refuse(&mut self) -> Refusal {
        self.counts.rejected += 1;
        match self.mode {
            Mode::ForcedOpen => Refusal::Forced,
            Mode::Automatic | Mode::ForcedClosed => Refusal::Open {
                retry_after: self.retry_after().unwrap_or_default(),
            },
        }
    }

    /// A call that was let through has ended.
    pub(super) fn settle(&mut self, ticket: Ticket, verdict: Verdict) {
        let count = match verdict {
            Verdict::Success => &mut self.counts.successes,
            Verdict::Failure => &mut self.counts.failures,
            Verdict::Neutral => &mut self.counts.neutral,
            Verdict::Cancelled => &mut self.counts.cancelled,
        };
        *count += 1;
        if ticket.generation != Some(self.generation) {
            self.counts.unheard += 1;
            return;
        }
        let tripped = match verdict {
            Verdict::Success => {
                self.rule.succeeded(self.now);
                false
            }
            Verdict::Failure => self.rule.failed(self.now),
            Verdict::Neutral | Verdict::Cancelled => {
                self.rule.abandoned(self.now);
                false
            }
        };
        self.counts.opened += u64::from(tripped);
        self.probe = false;
        if tripped {
            self.turn();
        }
    }

    /// The service failed before it could be called. That is a call, if one would have been made.
    pub(super) fn unready(&mut self, verdict: Verdict) {
        if self.refuses() {
            return;
        }
        if let Ok(ticket) = self.admit() {
            self.settle(ticket, verdict);
        }
    }

    pub(super) fn force(&mut self, mode: Mode) {
        if self.mode != mode {
            self.mode = mode;
            if self.probe {
                // Nobody will hear of it.
                self.rule.abandoned(self.now);
            }
            self.turn();
        }
    }

    /// A call would be refused now.
    pub(super) fn refuses(&self) -> bool {
        match self.mode {
            Mode::Automatic => !self.shadow && self.rule.state(self.now) == State::Open,
            Mode::ForcedOpen => true,
            Mode::ForcedClosed => false,
        }
    }

    /// A call might be refused, now or before the circuit changes its state.
    pub(super) fn may_refuse(&self) -> bool {
        match self.mode {
            Mode::Automatic => !self.shadow && self.rule.barred_until().is_some(),
            Mode::ForcedOpen => true,
            Mode::ForcedClosed => false,
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let rule = self.rule.state(self.now);
        let counts = &self.counts;
        let ended = counts.successes + counts.failures + counts.neutral + counts.cancelled;
        Snapshot {
            state: match self.mode {
                Mode::Automatic => rule,
                Mode::ForcedOpen => State::Open,
                Mode::ForcedClosed => State::Closed,
            },
            mode: self.mode,
            shadow: self.shadow,
            probing: self.probe && rule == State::Open,
            retry_after: self.retry_after(),
            fails: self.rule.fails(),
            in_flight: counts.admitted - ended,
            opened: counts.opened,
            admitted: counts.admitted,
            rejected: counts.rejected,
            would_have_rejected: counts.would_have_rejected,
            successes: counts.successes,
            failures: counts.failures,
            neutral: counts.neutral,
            cancelled: counts.cancelled,
            unheard: counts.unheard,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let until = self.rule.barred_until()?;
        Some(until.saturating_sub(self.now))
    }

    fn turn(&mut self) {
        self.generation += 1;
        self.probe = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::MaxFails;

    #[test]
    fn a_clock_read_too_early_tells_no_rule_of_the_past() {
        let at = Duration::from_secs;
        let mut gate = Gate::new(Box::new(MaxFails::new(1, at(10))), false);
        gate.at(at(105));
        let ticket = gate.admit().unwrap();
        gate.at(at(100));
        gate.settle(ticket, Verdict::Failure);
        assert_eq!(gate.snapshot().retry_after, Some(at(11)));
    }
}
