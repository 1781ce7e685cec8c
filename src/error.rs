//! The one error of this crate's services, that of its configuration, and a way to find a cause by
//! its type.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::classify::Condition;

/// Any error, shared across threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No peer could be chosen: all are down, banned, full or tried ("no live upstreams").
    NoLiveUpstreams,
    /// The last peer asked refused, reset, closed early or could not be sent to.
    Error,
    /// The last peer asked took too long.
    Timeout,
    /// The last peer's response header could not be understood or was too large.
    InvalidHeader,
    /// This process has no socket left to ask with.
    Exhausted,
    /// The caller's request cannot be sent as the configuration wants it.
    InvalidRequest,
    /// The caller's body is larger than may be read before a peer is chosen.
    BodyTooLarge,
    /// The caller's body broke off.
    RequestBody,
    /// The whole request's time ran out.
    Deadline,
}

/// A request that got no answer: why, from whom, and after how many attempts.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    peer: Option<Arc<str>>,
    attempts: u32,
    source: Option<BoxError>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            peer: None,
            attempts: 0,
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn at(mut self, peer: Arc<str>) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// What an attempt that ended in `condition` is called when it was the last.
    pub(crate) fn of(condition: Condition) -> Self {
        Self::new(match condition {
            Condition::Timeout => ErrorKind::Timeout,
            Condition::InvalidHeader => ErrorKind::InvalidHeader,
            Condition::Aborted => ErrorKind::RequestBody,
            Condition::Exhausted => ErrorKind::Exhausted,
            _ => ErrorKind::Error,
        })
    }

    /// Why there is no answer.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The peer of the last attempt, if there was one.
    pub fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    /// Attempts made.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The status NGINX would answer with: 504 for timeouts, 413 and 400 for the caller's own request,
    /// 500 when this process has no socket left, else 502.
    #[cfg(feature = "http")]
    pub fn status(&self) -> http::StatusCode {
        match self.kind {
            ErrorKind::Timeout | ErrorKind::Deadline => http::StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::Exhausted => http::StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::BodyTooLarge => http::StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::RequestBody | ErrorKind::InvalidRequest => http::StatusCode::BAD_REQUEST,
            ErrorKind::NoLiveUpstreams | ErrorKind::Error | ErrorKind::InvalidHeader => {
                http::StatusCode::BAD_GATEWAY
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::NoLiveUpstreams => "no live upstreams",
            ErrorKind::Error => "upstream failed",
            ErrorKind::Timeout => "upstream timed out",
            ErrorKind::InvalidHeader => "upstream sent invalid header",
            ErrorKind::Exhausted => "no socket left",
            ErrorKind::InvalidRequest => "invalid request",
            ErrorKind::BodyTooLarge => "request body too large",
            ErrorKind::RequestBody => "request body failed",
            ErrorKind::Deadline => "request timed out",
        })?;
        if let Some(peer) = &self.peer {
            write!(f, " (last asked {peer})")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Everything wrong with a configuration, in order of appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    pub(crate) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// One line per problem; those from a file begin with its name, line and column.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// The first cause of type `T` in an error's chain, the error itself included.
pub fn find_cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
