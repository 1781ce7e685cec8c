use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::class::Class;

/// How many may wait for their turn, and for how long.
///
/// A queue that is empty now and then only evens out bursts: whoever comes may wait for
/// [`patience`](Self::patience). One that has not been empty for that long is standing, and only adds
/// its length to the time of everybody in it: then whoever comes may wait for [`hurry`](Self::hurry) at
/// most, and the newest is served first, whose caller is the most likely to be still there. That is the
/// rule of B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015, after CoDel, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Queue {
    /// Most that may wait at once, default 100. Who finds it full is refused at once.
    pub length: usize,
    /// How long one may wait who comes while the queue is not standing, and after how long without a
    /// moment of emptiness it is; default 100 ms.
    pub patience: Duration,
    /// How long one may wait who comes while the queue is standing, default 5 ms.
    pub hurry: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            length: 100,
            patience: Duration::from_millis(100),
            hurry: Duration::from_millis(5),
        }
    }
}

impl Queue {
    pub(super) fn problems(&self, problems: &mut Vec<String>) {
        if self.length == 0 {
            problems.push("queue length=0: at least 1, or no queue".into());
        }
        if self.hurry > self.patience {
            let (hurry, patience) = (self.hurry, self.patience);
            problems.push(format!(
                "hurry={hurry:?} is more than patience={patience:?}"
            ));
        }
    }
}

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    class: Class,
    number: u64,
    pub(super) until: Duration,
}

/// Those who wait, each with a `W` to wake it by. Told the time; wakes nobody itself.
#[derive(Clone, Debug)]
pub(super) struct Line<W> {
    queue: Queue,
    /// Numbers grow with time, so that the first of a class is its oldest and the last its newest.
    waiting: BTreeMap<(Class, u64), Waiter<W>>,
    deadlines: BTreeSet<(Duration, Class, u64)>,
    /// It is their turn, and they have not looked yet.
    called: BTreeSet<u64>,
    next: u64,
    /// What nobody is to be woken by any more. Dropping one may drop the task it belongs to, which may
    /// stand in this very line: not while it is locked.
    swept: Vec<W>,
    /// When the first of those who wait came to an empty queue.
    standing_since: Duration,
}

#[derive(Clone, Debug)]
struct Waiter<W> {
    until: Duration,
    /// None until it has been polled.
    waker: Option<W>,
}

/// Who lost his place to one who came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Displaced<W> {
    Nobody,
    /// With what to wake him by, unless he has not been polled yet.
    Somebody(Option<W>),
}

/// How one who waits finds the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Its turn, which is no longer kept here.
    Called,
    Waiting,
    /// Its time is over, or its place went to somebody else.
    Gone,
}

impl<W> Line<W> {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            waiting: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            called: BTreeSet::new(),
            next: 0,
            swept: Vec::new(),
            standing_since: Duration::ZERO,
        }
    }

    /// Those who wait; whoever was called does not.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn is_standing(&self, now: Duration) -> bool {
        !self.is_empty() && now.saturating_sub(self.standing_since) > self.queue.patience
    }

    /// Forgets those whose time is over. They find out by their own timers.
    pub(super) fn expire(&mut self, now: Duration) -> usize {
        let before = self.waiting.len();
        while let Some((until, class, number)) = self.deadlines.first().copied() {
            if until > now {
                break;
            }
            self.drop_out(class, number);
        }
        before - self.waiting.len()
    }

    /// One more waits, no longer than `most`. Where the line is full, it takes the place of the oldest of
    /// the least class below its own, who is told; or there is none, and it does not wait.
    pub(super) fn join(
        &mut self,
        class: Class,
        most: Option<Duration>,
        now: Duration,
    ) -> Result<(Turn, Displaced<W>), ()> {
        // Before anybody is displaced: a place that changes hands was not empty.
        if self.is_empty() {
            self.standing_since = now;
        }
        let time = match self.is_standing(now) {
            true => self.queue.hurry,
            false => self.queue.patience,
        };
        let mut displaced = Displaced::Nobody;
        if self.len() >= self.queue.length {
            let least = self.waiting.keys().next().copied();
            let (below, number) = least.filter(|(least, _)| *least < class).ok_or(())?;
            if let Some(waiter) = self.remove(below, number) {
                displaced = Displaced::Somebody(waiter.waker);
            }
        }
        let until = now.saturating_add(most.map_or(time, |most| most.min(time)));
        let number = self.next;
        self.next += 1;
        let waker = None;
        self.waiting
            .insert((class, number), Waiter { until, waker });
        self.deadlines.insert((until, class, number));
        let turn = Turn {
            class,
            number,
            until,
        };
        Ok((turn, displaced))
    }

    /// The class of the next whose turn it will be.
    pub(super) fn next_class(&self) -> Option<Class> {
        self.waiting.keys().next_back().map(|(class, _)| *class)
    }

    /// Calls the next: of the highest class the oldest, or the newest if the line is standing. What to
    /// wake it by, unless it has not been polled yet.
    pub(super) fn call(&mut self, now: Duration) -> Option<W> {
        let class = self.next_class()?;
        let mut of_class = self.waiting.range((class, 0)..);
        let next = match self.is_standing(now) {
            true => of_class.next_back(),
            false => of_class.next(),
        };
        let number = next.map(|((_, number), _)| *number)?;
        let waiter = self.remove(class, number)?;
        self.called.insert(number);
        waiter.waker
    }

    /// One who waits looks; if it goes on waiting, it wants to be woken by `waker`.
    pub(super) fn look(&mut self, turn: Turn, now: Duration, waker: impl FnOnce() -> W) -> Look {
        if self.called.remove(&turn.number) {
            return Look::Called;
        }
        self.expire(now);
        match self.waiting.get_mut(&(turn.class, turn.number)) {
            Some(waiter) => {
                self.swept.extend(waiter.waker.replace(waker()));
                Look::Waiting
            }
            None => Look::Gone,
        }
    }

    /// One who waited goes. True if it had been called: its turn is somebody else's.
    pub(super) fn quit(&mut self, turn: Turn) -> bool {
        self.drop_out(turn.class, turn.number);
        self.called.remove(&turn.number)
    }

    /// What is to be dropped once nobody is locked out.
    pub(super) fn sweep(&mut self) -> Vec<W> {
        std::mem::take(&mut self.swept)
    }

    fn drop_out(&mut self, class: Class, number: u64) {
        let waiter = self.remove(class, number);
        self.swept.extend(waiter.and_then(|waiter| waiter.waker));
    }

    fn remove(&mut self, class: Class, number: u64) -> Option<Waiter<W>> {
        let waiter = self.waiting.remove(&(class, number))?;
        self.deadlines.remove(&(waiter.until, class, number));
        Some(waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn line(length: usize) -> Line<u64> {
        Line::new(Queue {
            length,
            ..Queue::default()
        })
    }

    /// Joins at `at`, to be woken by that number.
    fn join(line: &mut Line<u64>, class: Class, at: u64) -> Turn {
        line.expire(ms(at));
        let (turn, displaced) = line.join(class, None, ms(at)).unwrap();
        assert_eq!(displaced, Displaced::Nobody);
        assert_eq!(line.look(turn, ms(at), || at), Look::Waiting);
        turn
    }

    #[test]
    fn a_line_that_was_empty_lately_gives_a_long_wait_and_serves_the_oldest() {
        let mut line = line(10);
        let turns = [0, 40, 90].map(|at| join(&mut line, Class::Critical, at));
        assert_eq!(turns.map(|turn| turn.until), [ms(100), ms(140), ms(190)]);
        assert_eq!(line.call(ms(60)), Some(0));
        assert_eq!(line.look(turns[0], ms(60), || 0), Look::Called);
        assert_eq!(line.call(ms(60)), Some(40));
    }

    #[test]
    fn a_standing_line_gives_a_short_wait_and_serves_the_newest() {
        let mut line = line(10);
        join(&mut line, Class::Critical, 0);
        join(&mut line, Class::Critical, 90);
        // Not empty for more than a hundred milliseconds, whoever is in it.
        let late = join(&mut line, Class::Critical, 101);
        assert_eq!(late.until, ms(106));
        join(&mut line, Class::Critical, 102);
        assert_eq!(line.call(ms(103)), Some(102));
        assert_eq!(line.call(ms(103)), Some(101));
        assert_eq!(line.call(ms(103)), Some(90));
        // And empty once, it is as new.
        assert_eq!(join(&mut line, Class::Critical, 110).until, ms(210));
    }

    #[test]
    fn time_that_runs_out_empties_the_line() {
        let mut line = line(10);
        let turn = join(&mut line, Class::Critical, 0);
        assert_eq!(line.expire(ms(99)), 0);
        assert_eq!(line.expire(ms(100)), 1);
        assert_eq!(line.look(turn, ms(100), || 0), Look::Gone);
        assert_eq!(join(&mut line, Class::Critical, 150).until, ms(250));
    }

    #[test]
    fn a_caller_with_less_time_waits_no_longer() {
        let mut line = line(10);
        let (turn, _) = line.join(Class::Critical, Some(ms(30)), ms(0)).unwrap();
        assert_eq!(turn.until, ms(30));
        let (turn, _) = line.join(Class::Critical, Some(ms(500)), ms(0)).unwrap();
        assert_eq!(turn.until, ms(100));
    }

    #[test]
    fn a_full_line_refuses_all_but_those_who_matter_more() {
        let mut line = line(3);
        let least = join(&mut line, Class::Sheddable, 1);
        join(&mut line, Class::Sheddable, 2);
        join(&mut line, Class::Critical, 3);
        assert_eq!(line.join(Class::Sheddable, None, ms(4)), Err(()));
        let (_, displaced) = line.join(Class::Critical, None, ms(4)).unwrap();
        assert_eq!(displaced, Displaced::Somebody(Some(1)));
        assert_eq!(line.look(least, ms(4), || 0), Look::Gone);
        assert_eq!(line.len(), 3);
    }

    #[test]
    fn a_place_that_changes_hands_was_never_empty() {
        let mut line = line(1);
        join(&mut line, Class::Sheddable, 0);
        line.join(Class::Critical, None, ms(90)).unwrap();
        let (turn, _) = line.join(Class::CriticalPlus, None, ms(150)).unwrap();
        assert_eq!(turn.until, ms(155));
    }

    #[test]
    fn the_highest_class_is_called_first() {
        let mut line = line(10);
        join(&mut line, Class::Sheddable, 1);
        join(&mut line, Class::CriticalPlus, 2);
        join(&mut line, Class::Critical, 3);
        join(&mut line, Class::CriticalPlus, 4);
        let order: Vec<_> = std::iter::from_fn(|| line.call(ms(5))).collect();
        assert_eq!(order, [2, 4, 3, 1]);
    }

    #[test]
    fn who_quits_says_whether_it_had_been_called() {
        let mut line = line(10);
        let turns = [1, 2].map(|at| join(&mut line, Class::Critical, at));
        line.call(ms(3));
        assert!(line.quit(turns[0]));
        assert!(!line.quit(turns[1]));
        assert!(!line.quit(turns[0]), "only once");
        assert!(line.is_empty() && line.deadlines.is_empty() && line.called.is_empty());
    }
}
