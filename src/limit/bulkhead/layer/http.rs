use http::{HeaderMap, Request, Response};
use http_body::Body;

use super::permit::Permit;
use super::traffic::Traffic;
use crate::answer::{Answer, Answers, Reason, Refusal};
use crate::body::Guarded;
use crate::classify::{Classify, Codes, grpc};
use crate::limit::bulkhead::Ended;
use crate::timeout::Deadline;

/// When an HTTP request's place is free again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// At the end of the response's body, as in NGINX: what streams is being served.
    #[default]
    Body,
    /// When the response begins: for services whose work is done then, in front of slow readers.
    Header,
}

/// What the status says that is all of a gRPC answer.
fn by_status(headers: &HeaderMap) -> Ended {
    let too_much = Codes::UNAVAILABLE | Codes::RESOURCE_EXHAUSTED | Codes::DEADLINE_EXCEEDED;
    match grpc::of_headers(headers) {
        None | Some(Codes::OK) => Ended::Served,
        Some(code) if too_much.contains(code) => Ended::Overloaded,
        Some(_) => Ended::Ignored,
    }
}

/// HTTP requests, which may carry a [`Deadline`] in their extensions, and responses, which are over with
/// their bodies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http<A, C> {
    pub(super) answers: A,
    pub(super) classify: C,
    pub(super) release: Release,
}

impl<B, R, Err, A, C> Traffic<Request<B>, Response<R>, Err> for Http<A, C>
where
    R: Body,
    A: Answers<Request<B>>,
    A::Answer: Answer<Response<Guarded<R, Permit>>, Err>,
    C: Classify<Response<R>, Err>,
{
    type Answer = A::Answer;
    type Response = Response<Guarded<R, Permit>>;
    type Error = <A::Answer as Answer<Self::Response, Err>>::Error;

    fn answer(&self, request: &Request<B>) -> A::Answer {
        self.answers.answer(request)
    }

    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        request.extensions().get().copied()
    }

    fn refuse(answer: A::Answer, refusal: Refusal) -> Result<Self::Response, Self::Error> {
        answer.refuse(refusal)
    }

    fn ended(&self, result: &Result<Response<R>, Err>) -> Ended {
        let refused = result.as_ref().ok().and_then(|r| r.extensions().get());
        if let Some(reason) = refused {
            // By a layer behind, which says it best: over gRPC such answers have a good status.
            return Reason::into(*reason);
        }
        match (self.classify.classify(result).into(), result) {
            (Ended::Served, Ok(response)) => by_status(response.headers()),
            (ended, _) => ended,
        }
    }

    fn respond(&self, response: Response<R>, permit: Permit) -> Self::Response {
        match self.release {
            Release::Body => response.map(|body| Guarded::new(body, permit)),
            Release::Header => response.map(Guarded::free),
        }
    }

    fn error(error: Err) -> Self::Error {
        A::Answer::error(error)
    }
}
