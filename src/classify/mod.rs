//! What happened in one attempt, in NGINX's condition words. No verdicts: whether to move on is
//! [`retry`](crate::retry)'s to say, whether it counts against a peer is the roster's.
//!
//! ```
//! use tower_upstream::classify::Condition;
//!
//! assert_eq!(Condition::of_status(503), Condition::Http503);
//! // Outside NGINX's seven, a status never moves a request on nor counts against a peer.
//! assert_eq!(Condition::of_status(501), Condition::Served);
//! ```

mod cause;
mod codes;
#[cfg(feature = "http")]
pub(crate) mod grpc;
#[cfg(feature = "http")]
pub(crate) mod http;
mod result;

pub use codes::Codes;
#[cfg(feature = "http")]
pub use result::ServerErrors;
pub use result::{Classify, Errors};

use crate::retry::NextUpstream;

/// How an attempt ended, as far as `proxy_next_upstream` can tell endings apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// An answer that no keyword names.
    Served,
    /// Refused, reset, closed before the end of the header, or not to be sent.
    Error,
    /// Connecting, sending or waiting for the header took too long.
    Timeout,
    /// The answer's header cannot be understood or is too large.
    InvalidHeader,
    /// The caller's own doing, its body broke off: moves nothing on and blames nobody.
    Aborted,
    /// This process has no socket left to ask with (NU-18): moves nothing on and blames nobody.
    Exhausted,
    /// Status 500.
    Http500,
    /// Status 502.
    Http502,
    /// Status 503.
    Http503,
    /// Status 504.
    Http504,
    /// Status 403.
    Http403,
    /// Status 404.
    Http404,
    /// Status 429.
    Http429,
    /// A gRPC status that the configuration names; NGINX never looks at one (GR-2).
    Grpc {
        /// It is a failure of the peer, whether or not the request moves on.
        counts: bool,
        /// It moves the request on.
        next: bool,
    },
}

impl Condition {
    /// The condition of a complete response header with this status (NU-4, NU-7).
    pub fn of_status(status: u16) -> Self {
        match status {
            500 => Self::Http500,
            502 => Self::Http502,
            503 => Self::Http503,
            504 => Self::Http504,
            403 => Self::Http403,
            404 => Self::Http404,
            429 => Self::Http429,
            _ => Self::Served,
        }
    }

    /// The keyword that lets this condition move a request to the next peer.
    pub fn keyword(self) -> Option<NextUpstream> {
        Some(match self {
            Self::Served | Self::Aborted | Self::Exhausted | Self::Grpc { .. } => return None,
            Self::Error => NextUpstream::ERROR,
            Self::Timeout => NextUpstream::TIMEOUT,
            Self::InvalidHeader => NextUpstream::INVALID_HEADER,
            Self::Http500 => NextUpstream::HTTP_500,
            Self::Http502 => NextUpstream::HTTP_502,
            Self::Http503 => NextUpstream::HTTP_503,
            Self::Http504 => NextUpstream::HTTP_504,
            Self::Http403 => NextUpstream::HTTP_403,
            Self::Http404 => NextUpstream::HTTP_404,
            Self::Http429 => NextUpstream::HTTP_429,
        })
    }

    /// Moves a request on without blaming the peer (NU, column "counted").
    pub fn is_blameless(self) -> bool {
        matches!(
            self,
            Self::Http403 | Self::Http404 | Self::Grpc { counts: false, .. }
        )
    }

    /// No usable answer came: always counted against the peer, whatever is listed (NU-1).
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Error | Self::Timeout | Self::InvalidHeader)
    }
}

/// What the engine is told about one finished attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub condition: Condition,
    /// Sending had begun, so the peer may have acted on the request (NU-11).
    pub sent: bool,
    /// It went over a connection that had served before (KA-8).
    pub reused: bool,
}

impl Outcome {
    /// An attempt over a fresh connection that had been sent.
    pub fn new(condition: Condition) -> Self {
        Self {
            condition,
            sent: true,
            reused: false,
        }
    }
}
