use std::sync::Arc;

use http::header::HeaderMap;

use super::source::Head;
use super::stickiness::Stickiness;
use super::visit::{Lesson, Visit, teaches};
use crate::balance::{Ending, Route};
use crate::clock::{self, Clock};
use crate::semantics::Semantics;
use crate::upstream::config::Sticky;

/// Where a group's requests say where they belong: its stickiness, and the clock that sessions age
/// by. All workers share one.
#[derive(Debug)]
pub(crate) struct Desk {
    sticky: Stickiness,
    clock: Clock,
    semantics: Semantics,
}

impl Desk {
    /// The error is every reason why there is none.
    pub(crate) fn new(config: &Sticky, semantics: Semantics) -> Result<Self, Vec<String>> {
        Ok(Self {
            sticky: Stickiness::new(config)?,
            clock: Clock::start(),
            semantics,
        })
    }

    pub(crate) fn visit(&self, head: Head<'_>) -> Visit {
        self.sticky.visit(head)
    }

    /// The server a request belongs to at present.
    pub(crate) fn route(&self, visit: &Visit) -> Option<Route> {
        self.sticky.route(visit, self.clock.time(clock::now()))
    }

    /// The server called `route` has answered, and this is handed out; `ending` is what the attempt
    /// is to end with, unless it is over already. Returns what is to be told of its
    /// [end](Pending::over).
    pub(crate) fn answered(
        self: &Arc<Self>,
        visit: &Visit,
        headers: &mut HeaderMap,
        route: Route,
        ending: Option<Ending>,
    ) -> Option<Box<Pending>> {
        let now = self.clock.time(clock::now());
        self.sticky.set_cookie(visit, headers, route, now);
        ending.filter(|ending| teaches(*ending, self.semantics))?;
        let lesson = self.sticky.lesson(visit, headers, route)?;
        if self.sticky.learns_from_header() {
            self.sticky.learn(&lesson, now);
            return None;
        }
        Some(Box::new(Pending {
            desk: Arc::clone(self),
            lesson,
        }))
    }
}

/// What will be learnt of an attempt when it is over.
#[derive(Debug)]
pub(crate) struct Pending {
    desk: Arc<Desk>,
    lesson: Lesson,
}

impl Pending {
    /// The attempt has ended.
    pub(crate) fn over(self, ending: Ending) {
        let Self { desk, lesson } = self;
        if teaches(ending, desk.semantics) {
            desk.sticky.learn(&lesson, desk.clock.time(clock::now()));
        }
    }
}
