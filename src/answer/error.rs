use std::fmt;
use std::time::Duration;

use super::{Answer, Answers, Refusal};
use crate::error::BoxError;

/// A call without an answer: refused by a layer, or failed behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The layer did not let it through.
    Refused(Refusal),
    /// The service's own error.
    Inner(E),
}

impl<E> Error<E> {
    /// What the layer has to say, if it was the layer.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Inner(_) => None,
        }
    }

    /// When to come back, if the layer refused and knows it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(Refusal::retry_after)
    }

    /// The service was called and failed.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Refused(_) => None,
        }
    }

    /// As an error of any type, for layers in front that want one: a [`Refusal`], or the service's
    /// error as it was.
    ///
    /// Boxed errors are no errors to the compiler, so an `Error<BoxError>` needs this where another
    /// is boxed by `?`.
    pub fn boxed(self) -> BoxError
    where
        E: Into<BoxError>,
    {
        match self {
            Self::Refused(refusal) => refusal.into(),
            Self::Inner(error) => error.into(),
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "request refused",
            Self::Inner(_) => "call failed",
        })
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Inner(error) => Some(error),
        }
    }
}

/// Refusals are errors: for services that cannot answer in the name of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors;

impl<Req> Answers<Req> for Errors {
    type Answer = Self;

    fn answer(&self, _: &Req) -> Self {
        Self
    }
}

impl<Res, Err> Answer<Res, Err> for Errors {
    type Error = Error<Err>;

    fn refuse(self, refusal: Refusal) -> Result<Res, Self::Error> {
        Err(Error::Refused(refusal))
    }

    fn error(error: Err) -> Self::Error {
        Error::Inner(error)
    }
}
