use std::time::Duration;

use super::adaptive::{Ended, Limiter, Sample};
use super::class::{Class, Shares};
use super::queue::{Displaced, Line, Look, Queue, Turn};

/// Who is served, who waits and who is refused: everything a bulkhead decides but for its keys. Told the
/// time; wakes nobody, but says whom to wake.
#[derive(Clone, Debug)]
pub(super) struct Gate<W> {
    limiter: Limiter,
    shares: Shares,
    line: Option<Line<W>>,
    in_flight: usize,
    tally: Tally,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) admitted: u64,
    pub(super) full: u64,
    pub(super) shed: u64,
    pub(super) expired: u64,
    pub(super) abandoned: u64,
    pub(super) delayed: u64,
}

/// The right to be served, to be given back by [`Gate::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    began: Duration,
    in_flight: usize,
}

/// Why somebody is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// The limit is reached, and there is no place to wait.
    Full,
    /// There is room, or a place to wait, for those who matter more.
    Shed,
    /// It waited as long as it may.
    Expired,
}

/// How one who comes is received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reception<W> {
    Served(Ticket),
    /// It waits; somebody may have lost its place to it, and is to be woken.
    Waits(Turn, Option<W>),
    Refused(No),
}

/// How one who waits finds things.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    Served(Ticket),
    Waits,
    Refused(No),
}

impl<W> Gate<W> {
    pub(super) fn new(limiter: Limiter, shares: Shares, queue: Option<Queue>) -> Self {
        Self {
            limiter,
            shares,
            line: queue.map(Line::new),
            in_flight: 0,
            tally: Tally::default(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn limit(&self) -> usize {
        self.limiter.limit()
    }

    pub(super) fn waiting(&self) -> usize {
        self.line.as_ref().map_or(0, Line::len)
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Forgets those whose time is over.
    pub(super) fn at(&mut self, now: Duration) {
        if let Some(line) = &mut self.line {
            self.tally.expired += line.expire(now) as u64;
        }
    }

    /// What is to be dropped once nobody is locked out; see [`Line::sweep`].
    pub(super) fn sweep(&mut self) -> Vec<W> {
        self.line.as_mut().map_or_else(Vec::new, Line::sweep)
    }

    fn has_room(&self, class: Class) -> bool {
        self.in_flight < self.shares.limit(class, self.limit())
    }

    fn serve(&mut self, now: Duration) -> Ticket {
        self.tally.admitted += 1;
        Ticket {
            began: now,
            in_flight: self.in_flight,
        }
    }

    /// One comes, who could wait no longer than `most`.
    pub(super) fn come(
        &mut self,
        class: Class,
        most: Option<Duration>,
        now: Duration,
    ) -> Reception<W> {
        self.at(now);
        // Nobody overtakes those of his class who wait, or of one that matters more. Those of a class
        // that matters less wait for a share he is not bound by.
        let first = self.line.as_ref().and_then(Line::next_class);
        if self.has_room(class) && first.is_none_or(|waiting| waiting < class) {
            self.in_flight += 1;
            return Reception::Served(self.serve(now));
        }
        let joined = self.line.as_mut().map(|line| line.join(class, most, now));
        match joined {
            Some(Ok((turn, Displaced::Nobody))) => {
                self.tally.delayed += 1;
                Reception::Waits(turn, None)
            }
            Some(Ok((turn, Displaced::Somebody(waker)))) => {
                self.tally.delayed += 1;
                self.tally.shed += 1;
                Reception::Waits(turn, waker)
            }
            _ => Reception::Refused(self.turn_away()),
        }
    }

    /// One comes in a dry run. Without a place there is no ticket: it goes on all the same, and counts
    /// as refused, or as let wait if there is a line for it.
    pub(super) fn come_dry(&mut self, class: Class, now: Duration) -> Option<Ticket> {
        if self.has_room(class) {
            self.in_flight += 1;
            return Some(self.serve(now));
        }
        match self.line {
            Some(_) => self.tally.delayed += 1,
            None => _ = self.turn_away(),
        }
        None
    }

    /// One has come whose time was over.
    pub(super) fn come_late(&mut self) {
        self.tally.expired += 1;
    }

    fn turn_away(&mut self) -> No {
        match self.in_flight < self.limit() {
            true => {
                self.tally.shed += 1;
                No::Shed
            }
            false => {
                self.tally.full += 1;
                No::Full
            }
        }
    }

    /// Hands one place to the next who waits, if there is one for it. To be asked again until it says
    /// no; what to wake it by, unless it has not been polled yet.
    pub(super) fn hand_on(&mut self, now: Duration) -> Option<Option<W>> {
        self.at(now);
        let next = self.line.as_ref()?.next_class()?;
        if !self.has_room(next) {
            return None;
        }
        // Its place is taken from now on, though it may be long in noticing.
        self.in_flight += 1;
        self.line.as_mut().map(|line| line.call(now))
    }

    /// One who waits looks how things are.
    pub(super) fn look(&mut self, turn: Turn, now: Duration, waker: impl FnOnce() -> W) -> Outlook {
        self.at(now);
        let look = self.line.as_mut().map(|line| line.look(turn, now, waker));
        match look {
            Some(Look::Called) => Outlook::Served(self.serve(now)),
            Some(Look::Waiting) => Outlook::Waits,
            _ if turn.until <= now => Outlook::Refused(No::Expired),
            _ => Outlook::Refused(No::Shed),
        }
    }

    /// One who waited goes away without having looked.
    pub(super) fn quit(&mut self, turn: Turn, now: Duration) {
        // What had expired before is not abandoned.
        self.at(now);
        let Some(line) = &mut self.line else {
            return;
        };
        let before = line.len();
        if line.quit(turn) {
            self.in_flight -= 1;
            self.tally.abandoned += 1;
        }
        self.tally.abandoned += (before - line.len()) as u64;
    }

    /// A call ended, its place is still taken: its answer may go on for long.
    pub(super) fn ended(&mut self, ticket: Ticket, ended: Ended, now: Duration) {
        let sample = Sample {
            began: ticket.began,
            in_flight: ticket.in_flight,
            ended,
        };
        self.limiter.ended(sample, now);
    }

    pub(super) fn has_line(&self) -> bool {
        self.line.is_some()
    }

    pub(super) fn learns(&self) -> bool {
        self.limiter.learns()
    }

    /// One who was served is done.
    pub(super) fn leave(&mut self) {
        self.in_flight -= 1;
    }
}
