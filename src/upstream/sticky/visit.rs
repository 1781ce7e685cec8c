use super::sessions::Session;
use crate::balance::{Ending, Route};
use crate::semantics::Semantics;

/// What a request said of where it belongs, before anything in it was changed.
///
/// An [`Upstream`](crate::Upstream) looks at the request it is given. Whoever changes a request
/// before that, say its `Cookie` or its URI, lets [`Group::visit`](crate::Group::visit) look first,
/// and puts this into the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit(pub(super) Said);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It names a server.
    Server {
        named: Option<Route>,
        /// The cookie's attributes, if they are this request's own.
        attributes: Option<Box<[u8]>>,
    },
    /// It names a session.
    Session {
        named: Option<Session>,
        /// The session it begins by itself, unless one of so many sources before says otherwise.
        begun: Option<(usize, Session)>,
    },
}

impl Visit {
    pub(super) fn attributes(&self) -> Option<&[u8]> {
        match &self.0 {
            Said::Server { attributes, .. } => attributes.as_deref(),
            Said::Session { .. } => None,
        }
    }
}

/// A session was served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lesson {
    pub(super) session: Session,
    pub(super) route: Route,
    /// It is to be remembered even if nobody knows it yet.
    pub(super) begins: bool,
}

/// Whether an attempt that ends like this has served its session (SK-7): one that NGINX releases as
/// OK, and under Strict none that counts against its peer. A caller that leaves has got the header,
/// so the session is where it was answered, whoever left first.
pub(super) fn teaches(ending: Ending, semantics: Semantics) -> bool {
    match (semantics, ending) {
        (_, Ending::Failed | Ending::Next | Ending::Superseded) => false,
        (Semantics::Strict, Ending::Passed | Ending::Cut) => false,
        (_, Ending::Served | Ending::Passed | Ending::Cut | Ending::Dropped) => true,
    }
}
