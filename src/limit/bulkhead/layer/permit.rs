use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::core::Core;
use crate::answer::Reason;
use crate::clock;
use crate::limit::bulkhead::gate::{No, Outlook, Ticket};
use crate::limit::bulkhead::queue::Turn;
use crate::limit::bulkhead::{Ended, Presence};
use crate::timeout::{Deadline, Timer};

/// The right to be served, until it is dropped.
pub struct Permit {
    core: Arc<Core>,
    /// None: there was no place, in a dry run.
    ticket: Option<Ticket>,
    // Goes after the place has.
    _presence: Option<Presence>,
}

impl Permit {
    pub(super) fn new(
        core: &Arc<Core>,
        ticket: Option<Ticket>,
        presence: Option<Presence>,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            ticket,
            _presence: presence,
        }
    }

    /// The call has its answer, or its error.
    pub(super) fn ended(&self, ended: impl FnOnce() -> Ended) {
        if let Some(ticket) = self.ticket.filter(|_| self.core.learns) {
            let ended = ended();
            self.core.free(|gate, now| gate.ended(ticket, ended, now));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.core.free(|gate, _| gate.leave());
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.ticket).finish()
    }
}

/// A place in the line. Dropping it passes on a turn that may have come meanwhile.
pub(super) struct Place {
    core: Arc<Core>,
    turn: Turn,
    looked: bool,
    presence: Option<Presence>,
    deadline: Option<Deadline>,
    timer: Option<Timer>,
}

impl Place {
    pub(super) fn new(
        core: &Arc<Core>,
        turn: Turn,
        presence: Option<Presence>,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            turn,
            looked: false,
            presence,
            deadline,
            timer: None,
        }
    }

    /// Ready when it is its turn, or its time is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit, Reason>> {
        let mut now = self.core.now();
        loop {
            let outlook = self
                .core
                .tell(|gate| gate.look(self.turn, now, || cx.waker().clone()));
            match outlook {
                Outlook::Served(ticket) => {
                    self.looked = true;
                    let permit = Permit::new(&self.core, Some(ticket), self.presence.take());
                    return Poll::Ready(Ok(permit));
                }
                Outlook::Refused(no) => {
                    self.looked = true;
                    return Poll::Ready(Err(match no {
                        No::Expired if self.deadline.is_some_and(Deadline::is_over) => {
                            Reason::Deadline
                        }
                        No::Expired | No::Full => Reason::Full,
                        No::Shed => Reason::Shed,
                    }));
                }
                Outlook::Waits => {
                    let left = self.turn.until.saturating_sub(now);
                    let at = clock::after(clock::now(), left);
                    let timer = self.timer.get_or_insert_with(|| Timer::new(at));
                    ready!(timer.poll_until(at, cx));
                    // Over, whatever the clock says.
                    now = self.turn.until;
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.looked {
            self.core.free(|gate, now| gate.quit(self.turn, now));
        }
    }
}
