use std::time::Duration;

use super::{Condition, Outcome};
use crate::retry::Pushback;

/// What came of a call to a service that stands alone. Closures from a result to a [`Condition`] are
/// one.
pub trait Classify<Res, E> {
    /// The condition of a call that ended so.
    fn classify(&self, result: &Result<Res, E>) -> Condition;

    /// The condition, and whether the service may have received the request: by default it may. For
    /// who repeats it.
    fn outcome(&self, result: &Result<Res, E>) -> Outcome {
        Outcome::new(self.classify(result))
    }

    /// What the service said of when to come back: by default nothing. `now` is the time since 1970,
    /// which a date is compared with.
    fn pushback(&self, result: &Result<Res, E>, now: Duration) -> Option<Pushback> {
        let _ = (result, now);
        None
    }
}

impl<F, Res, E> Classify<Res, E> for F
where
    F: Fn(&Result<Res, E>) -> Condition,
{
    fn classify(&self, result: &Result<Res, E>) -> Condition {
        self(result)
    }
}

/// Errors are failures and answers are not, whatever they say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors;

impl<Res, E> Classify<Res, E> for Errors {
    fn classify(&self, result: &Result<Res, E>) -> Condition {
        match result {
            Ok(_) => Condition::Served,
            Err(_) => Condition::Error,
        }
    }
}

/// Errors are failures, and so are HTTP answers with a status of 500 and above: also those, like 501,
/// that NGINX has no word for.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerErrors;

#[cfg(feature = "http")]
impl<B, E> Classify<http::Response<B>, E> for ServerErrors {
    fn classify(&self, result: &Result<http::Response<B>, E>) -> Condition {
        match result {
            Ok(response) if response.status().is_server_error() => {
                match Condition::of_status(response.status().as_u16()) {
                    Condition::Served => Condition::Http500,
                    listed => listed,
                }
            }
            Ok(response) => Condition::of_status(response.status().as_u16()),
            Err(_) => Condition::Error,
        }
    }
}
