use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use crate::answer::{Answer, Answers, Refusal};
use crate::error::BoxError;

/// A call without an answer: refused by the breaker, or failed behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The service is out of use, or being probed by another call.
    Open {
        /// Until the next probe may be made. Zero means at once.
        retry_after: Duration,
    },
    /// An operator holds the circuit open.
    ForcedOpen,
    /// The service's own error.
    Inner(E),
}

impl<E> Error<E> {
    /// When to come back, if the breaker refused and knows it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open { retry_after } => Some(*retry_after),
            Self::ForcedOpen | Self::Inner(_) => None,
        }
    }

    /// The service was called and failed.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Open { .. } | Self::ForcedOpen => None,
        }
    }

    /// As an error of any type, for layers in front that want one. A refusal becomes an
    /// `Error<Infallible>`, which [`find_cause`](crate::find_cause) finds; the service's error is
    /// itself again.
    ///
    /// Boxed errors are no errors to the compiler, so an `Error<BoxError>` needs this where another
    /// is boxed by `?`.
    pub fn boxed(self) -> BoxError
    where
        E: Into<BoxError>,
    {
        match self {
            Self::Open { retry_after } => Error::<Infallible>::Open { retry_after }.into(),
            Self::ForcedOpen => Error::<Infallible>::ForcedOpen.into(),
            Self::Inner(error) => error.into(),
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open { .. } => "circuit open",
            Self::ForcedOpen => "circuit held open",
            Self::Inner(_) => "call failed",
        })
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Open { .. } | Self::ForcedOpen => None,
        }
    }
}

/// Refusals are the breaker's own [`Error`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnErrors;

impl<Req> Answers<Req> for OwnErrors {
    type Answer = Self;

    fn answer(&self, _: &Req) -> Self {
        Self
    }
}

impl<Res, Err> Answer<Res, Err> for OwnErrors {
    type Error = Error<Err>;

    fn refuse(self, refusal: Refusal) -> Result<Res, Error<Err>> {
        Err(match refusal.retry_after() {
            Some(retry_after) => Error::Open { retry_after },
            None => Error::ForcedOpen,
        })
    }

    fn error(error: Err) -> Error<Err> {
        Error::Inner(error)
    }
}
