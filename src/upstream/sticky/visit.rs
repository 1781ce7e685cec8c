use super::sessions::Session;
use crate::balance::Route;

/// What one request says of where it belongs, and what of that its answer will need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
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
        match self {
            Self::Server { attributes, .. } => attributes.as_deref(),
            Self::Session { .. } => None,
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
