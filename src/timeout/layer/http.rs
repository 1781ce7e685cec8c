use std::time::Duration;

use http::{Request, Response};
use tokio::time::Instant;

use super::super::body::{BodyLimits, TimeoutBody};
use super::super::{Deadline, Elapsed, Incoming};
use super::{Called, Rest, Traffic};
use crate::answer::{Answer, Answers, HttpAnswer, Refusal};

/// HTTP requests, which carry their deadline in their extensions, and responses, which are over with
/// their bodies.
#[derive(Clone, Debug, Default)]
pub struct Http<A> {
    pub(super) answers: A,
    pub(super) incoming: Option<Incoming>,
    pub(super) pause: Option<Duration>,
}

/// One request over [`Http`].
#[derive(Clone, Copy, Debug)]
pub struct HttpCall<A> {
    answer: A,
    pause: Option<Duration>,
}

impl<B, A: Answers<Request<B>>> Traffic<Request<B>> for Http<A> {
    type Call = HttpCall<A::Answer>;

    fn call(&self, request: &Request<B>) -> Self::Call {
        HttpCall {
            answer: self.answers.answer(request),
            pause: self.pause,
        }
    }

    fn carried(&self, request: &Request<B>, now: Instant) -> Option<Deadline> {
        let incoming = self.incoming.as_ref();
        let told = incoming.and_then(|incoming| incoming.read(request));
        let told = told.map(|time| Deadline::later(now, time));
        Deadline::either(told, request.extensions().get().copied())
    }

    fn carry(&self, request: &mut Request<B>, deadline: Deadline) {
        request.extensions_mut().insert(deadline);
    }
}

impl<R, Err, A> Called<Response<R>, Err> for HttpCall<A>
where
    A: Answer<Response<TimeoutBody<R>>, Err>,
{
    type Response = Response<TimeoutBody<R>>;
    type Error = A::Error;

    fn refuse(self, refusal: Refusal) -> Result<Self::Response, A::Error> {
        self.answer.refuse(refusal)
    }

    fn limit(self, response: Response<R>, rest: Rest) -> Self::Response {
        let limits = BodyLimits {
            deadline: rest.deadline,
            pause: self.pause.map(|pause| (pause, Elapsed::Response)),
            grpc: HttpAnswer::of(response.headers()) == HttpAnswer::Grpc,
        };
        response.map(|body| TimeoutBody::new(body, limits, rest.timer))
    }

    fn error(error: Err) -> A::Error {
        A::error(error)
    }
}
