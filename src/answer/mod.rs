//! How a layer in front of a service says no: as an answer where there is one, as an error elsewhere.
//!
//! | over | use | a refusal becomes | the layer's error |
//! | --- | --- | --- | --- |
//! | an HTTP service, axum's and tonic's too | `HttpAnswers` (feature `http`) | a response: an HTTP status, for gRPC a status of its own | the service's, so `Infallible` stays |
//! | any other | [`Errors`] | [`Error::Refused`] | [`Error`] around the service's |
//!
//! What is refused, and why, is a [`Refusal`]; its [`Reason`] decides what callers are told:
//!
//! | reason | HTTP status | gRPC status | asked for |
//! | --- | --- | --- | --- |
//! | [`RateLimited`](Reason::RateLimited) | 503 | RESOURCE_EXHAUSTED (8) | too often |
//! | [`Full`](Reason::Full) | 503 | RESOURCE_EXHAUSTED (8) | by too many at once |
//! | [`Shed`](Reason::Shed) | 503 | UNAVAILABLE (14) | while more important work needs the place |
//! | [`Open`](Reason::Open) | 503 | UNAVAILABLE (14) | of what fails all the time |
//! | [`Deadline`](Reason::Deadline) | 504 | DEADLINE_EXCEEDED (4) | with less time than it takes |
//! | [`Timeout`](Reason::Timeout) | 504 | DEADLINE_EXCEEDED (4) | and not done in time |
//!
//! A layer has one value that is [`Answers`]. It looks at each request before that is handed on and
//! keeps an [`Answer`] for it: a byte in the future, usually, which knows whether the caller speaks
//! gRPC. Your own is a type for each of the two.
//!
//! ```
//! use std::{io, time::Duration};
//! use tower_upstream::answer::{Answer, Answers, Error, Errors, Reason, Refusal};
//!
//! // What a layer does with a request, and when it will not let it through:
//! let answer = Errors.answer(&"a message from the queue");
//! let refusal = Refusal::new(Reason::RateLimited).with_retry_after(Duration::from_millis(90));
//! let refused: Result<(), Error<io::Error>> = answer.refuse(refusal);
//!
//! let error = refused.unwrap_err();
//! assert_eq!(error.retry_after(), Some(Duration::from_millis(90)));
//! assert_eq!(error.refusal().unwrap().to_string(), "rate limit exceeded");
//! ```

mod error;
#[cfg(feature = "http")]
mod http;
mod reason;
mod refusal;

pub use error::{Error, Errors};
#[cfg(feature = "http2")]
pub(crate) use http::grpc_message;
#[cfg(feature = "http")]
pub use http::{HttpAnswer, HttpAnswers};
pub use reason::Reason;
pub use refusal::{Field, Refusal};

use crate::timeout::Deadline;

/// Looks at requests before they are handed on, so that each can still be answered afterwards.
pub trait Answers<Req> {
    /// What has to be known of a request to answer it.
    type Answer;

    /// Called once for each request, before the service is.
    fn answer(&self, request: &Req) -> Self::Answer;

    /// When the time of a request is over: nobody is made to wait for longer. By default the
    /// [current](Deadline::current) deadline.
    fn deadline(&self, request: &Req) -> Option<Deadline> {
        let _ = request;
        Deadline::current()
    }
}

/// The answer a layer can give to one request in place of the service.
pub trait Answer<Res, Err> {
    /// The layer's error.
    type Error;

    /// The request is refused: what its caller gets.
    ///
    /// # Errors
    ///
    /// Where there is no way to answer, the refusal as an error.
    fn refuse(self, refusal: Refusal) -> Result<Res, Self::Error>;

    /// The service's error as the layer's: from being asked whether it is ready, or from a call.
    fn error(error: Err) -> Self::Error;

    /// Adds to an answer of the service what the layer has to say, for what takes header fields.
    /// Others leave it alone, as this does.
    fn annotate(&self, response: &mut Res, fields: Vec<Field>) {
        let _ = (response, fields);
    }
}
