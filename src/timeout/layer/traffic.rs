use tokio::time::Instant;

use super::super::{Deadline, Timer};
use crate::answer::{Answer, Answers, Refusal};

/// What a [`TimeoutLayer`](super::TimeoutLayer) has to know of the requests it stands in front of:
/// [`Http`](super::Http) or [`Calls`].
pub trait Traffic<Req> {
    /// What is kept of a request until it is answered.
    type Call;

    /// Looks at a request before it is handed on.
    fn call(&self, request: &Req) -> Self::Call;

    /// The deadline a request comes with.
    fn carried(&self, request: &Req, now: Instant) -> Option<Deadline>;

    /// Gives a request its deadline to carry.
    fn carry(&self, request: &mut Req, deadline: Deadline);
}

/// What a [`TimeoutLayer`](super::TimeoutLayer) has to know to answer one request.
pub trait Called<Res, Err> {
    /// The answer as the layer hands it out.
    type Response;
    /// How the layer fails.
    type Error;

    /// The request's time is over.
    ///
    /// # Errors
    ///
    /// Where there is no way to answer, the refusal as an error.
    fn refuse(self, refusal: Refusal) -> Result<Self::Response, Self::Error>;

    /// The service's answer, which may be over later than it begins.
    fn limit(self, response: Res, rest: Rest) -> Self::Response;

    /// The service's error.
    fn error(error: Err) -> Self::Error;
}

/// What is left of a request's limits when its answer begins.
#[derive(Debug)]
pub struct Rest {
    /// The whole request's.
    pub deadline: Option<Deadline>,
    #[cfg_attr(not(feature = "http"), expect(dead_code))]
    pub(super) timer: Option<Timer>,
}

/// Requests and answers of any kind; a call is over with its answer. A request carries no deadline; the
/// [current](Deadline::current) one holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls<A> {
    pub(super) answers: A,
}

/// One of [`Calls`].
#[derive(Clone, Copy, Debug)]
pub struct Call<A>(A);

impl<Req, A: Answers<Req>> Traffic<Req> for Calls<A> {
    type Call = Call<A::Answer>;

    fn call(&self, request: &Req) -> Self::Call {
        Call(self.answers.answer(request))
    }

    fn carried(&self, _: &Req, _: Instant) -> Option<Deadline> {
        None
    }

    fn carry(&self, _: &mut Req, _: Deadline) {}
}

impl<Res, Err, A: Answer<Res, Err>> Called<Res, Err> for Call<A> {
    type Response = Res;
    type Error = A::Error;

    fn refuse(self, refusal: Refusal) -> Result<Res, A::Error> {
        self.0.refuse(refusal)
    }

    fn limit(self, response: Res, _: Rest) -> Res {
        response
    }

    fn error(error: Err) -> A::Error {
        A::error(error)
    }
}
