use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;

use super::sessions::{Session, Sessions};
use super::source::{FromRequest, Head, Source, first};
use super::visit::{Lesson, Said, Visit};
use crate::balance::Route;
use crate::upstream::config::StickyLearn;

/// The application's own sessions, behind one short lock.
#[derive(Debug)]
pub(super) struct Learn {
    create: Vec<Source>,
    lookup: Vec<FromRequest>,
    header: bool,
    sessions: Mutex<Sessions>,
}

impl Learn {
    /// The error is every reason why nothing can be learnt.
    pub(super) fn new(config: &StickyLearn) -> Result<Self, Vec<String>> {
        let (mut create, mut lookup, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for word in &config.create {
            let source = Source::parse(word);
            source.map_or_else(|p| problems.push(p), |s| create.push(s));
        }
        for word in &config.lookup {
            let source = FromRequest::parse(word);
            source.map_or_else(|p| problems.push(p), |s| lookup.push(s));
        }
        if config.create.is_empty() {
            problems.push("\"create\" parameter is not specified".into());
        }
        if config.lookup.is_empty() {
            problems.push("\"lookup\" parameter is not specified".into());
        }
        if config.timeout.is_zero() {
            problems.push("invalid timeout".into());
        }
        if config.sessions == 0 {
            problems.push("zone is too small".into());
        }
        match problems.is_empty() {
            true => Ok(Self {
                create,
                lookup,
                header: config.header,
                sessions: Mutex::new(Sessions::new(config.timeout, config.sessions)),
            }),
            false => Err(problems),
        }
    }

    pub(super) fn visit(&self, head: Head<'_>) -> Visit {
        let begun = self.create.iter().enumerate().find_map(|(at, source)| {
            let Source::Request(source) = source else {
                return None;
            };
            Some((at, Session::new(&source.value(head)?)))
        });
        Visit(Said::Session {
            named: first(&self.lookup, head).map(|name| Session::new(&name)),
            begun,
        })
    }

    pub(super) fn find(&self, session: &Session, now: Duration) -> Option<Route> {
        self.lock().find(session, now)
    }

    /// What a request with this answer teaches, if anything.
    pub(super) fn lesson(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
        route: Route,
    ) -> Option<Lesson> {
        let Said::Session { named, begun } = &visit.0 else {
            return None;
        };
        let (before, begun) = match *begun {
            Some((at, session)) => (&self.create[..at], Some(session)),
            None => (self.create.as_slice(), None),
        };
        let answered = before.iter().find_map(|source| match source {
            Source::Response(source) => source.value(headers),
            Source::Request(_) => None,
        });
        let begun = answered.map(|name| Session::new(&name)).or(begun);
        Some(Lesson {
            session: begun.or(*named)?,
            route,
            begins: begun.is_some(),
        })
    }

    /// Whether the header is enough to learn from.
    pub(super) fn with_header(&self) -> bool {
        self.header
    }

    pub(super) fn learn(&self, lesson: &Lesson, now: Duration) {
        let Lesson {
            session,
            route,
            begins,
        } = *lesson;
        self.lock().used(session, route, begins, now);
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        // The table does not panic half-way through a change.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
