use std::fmt;

use http::StatusCode;

use crate::classify::Codes;
use crate::error::BoxError;

/// Why a look at a server failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// There is no connection: refused, unreachable.
    Connect(String),
    /// The whole look took longer than it may.
    Timeout,
    /// An answer, but not one of those that are well.
    Status(StatusCode),
    /// A gRPC status, but not one of those that are well.
    Grpc(Codes),
    /// Its health service answers, and says that it does not serve.
    NotServing,
    /// The answer was not understood, or broke off.
    Answer(String),
    /// What a probe of the caller's own says.
    Other(String),
    /// This process had no socket to look with; it does not count.
    Exhausted(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "no connection: {why}"),
            Self::Timeout => f.write_str("timed out"),
            Self::Status(status) => write!(f, "status {}", status.as_u16()),
            Self::Grpc(code) => write!(f, "gRPC status {code}"),
            Self::NotServing => f.write_str("not serving"),
            Self::Answer(why) => write!(f, "no proper answer: {why}"),
            Self::Other(why) => f.write_str(why),
            Self::Exhausted(why) => write!(f, "no socket left: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => Self::Other(error.to_string()),
        }
    }
}
