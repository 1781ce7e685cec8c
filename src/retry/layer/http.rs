use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body::Body;

use super::replay::Replay;
use crate::answer::HttpAnswer;
use crate::classify::{Classify, Condition, Outcome};
use crate::error::BoxError;
use crate::retry::attempt::AttemptBody;
use crate::retry::body::RequestBody;
use crate::retry::{Idempotent, Pushback, RequestBuffering};
use crate::timeout::Deadline;

/// gRFC A6.
pub(crate) const PREVIOUS_ATTEMPTS: HeaderName =
    HeaderName::from_static("grpc-previous-rpc-attempts");

/// HTTP requests: the head is copied for every attempt, the body forwarded as it arrives and remembered
/// up to a limit, past which a request that was sent is not repeated (NU-12). POST, PATCH and LOCK are
/// not idempotent (NU-11), and so no gRPC call is, unless it is marked [`Idempotent`].
///
/// Attempts after the first carry [`PreviousAttempts`] in their extensions, and if they are gRPC
/// `grpc-previous-rpc-attempts` among their headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpRequests {
    limit: usize,
}

impl HttpRequests {
    /// Remembers up to `limit` bytes of a body, default 64 KiB.
    pub fn new(limit: usize) -> Self {
        Self { limit }
    }
}

impl Default for HttpRequests {
    fn default() -> Self {
        Self::new(64 * 1024)
    }
}

/// How many attempts were made of a request before this one: an extension of every attempt but the
/// first, for layers behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousAttempts(pub u32);

/// An HTTP request while it is on its way.
pub struct HttpKept {
    head: Parts,
    body: RequestBody,
}

impl<B> Replay<Request<B>> for HttpRequests
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Attempt = Request<AttemptBody>;
    type Kept = HttpKept;

    fn keep(&self, request: Request<B>) -> HttpKept {
        let (head, body) = request.into_parts();
        let buffering = RequestBuffering::Replay { limit: self.limit };
        let body = RequestBody::new(body, buffering, head.version != Version::HTTP_10);
        HttpKept { head, body }
    }

    fn attempt(&self, kept: &mut HttpKept, previous: u32) -> Request<AttemptBody> {
        let mut head = kept.head.clone();
        if previous > 0 {
            head.extensions.insert(PreviousAttempts(previous));
            if HttpAnswer::of(&head.headers) == HttpAnswer::Grpc {
                head.headers
                    .insert(PREVIOUS_ATTEMPTS, HeaderValue::from(previous));
            }
        }
        Request::from_parts(head, kept.body.attempt())
    }

    fn idempotent(&self, kept: &HttpKept) -> bool {
        Idempotent::of(&kept.head.method, &kept.head.extensions)
    }

    fn deadline(&self, kept: &HttpKept) -> Option<Deadline> {
        kept.head.extensions.get().copied()
    }

    fn withdraw(&self, kept: &HttpKept) -> bool {
        kept.body.withdraw()
    }
}

/// HTTP responses by their status, with `Retry-After` and gRPC's pushback; errors by a function.
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswers<F> {
    errors: F,
}

impl<F> HttpAnswers<F> {
    /// What an error of the inner service means is `errors`' to say.
    pub fn new(errors: F) -> Self {
        Self { errors }
    }
}

impl<B, Err, F> Classify<Response<B>, Err> for HttpAnswers<F>
where
    F: Fn(&Err) -> Outcome,
{
    fn classify(&self, result: &Result<Response<B>, Err>) -> Condition {
        self.outcome(result).condition
    }

    fn outcome(&self, result: &Result<Response<B>, Err>) -> Outcome {
        match result {
            Ok(response) => Outcome::new(Condition::of_status(response.status().as_u16())),
            Err(error) => (self.errors)(error),
        }
    }

    fn pushback(&self, result: &Result<Response<B>, Err>, now: Duration) -> Option<Pushback> {
        Pushback::of_headers(result.as_ref().ok()?.headers(), now)
    }
}
