use super::permit::Permit;
use crate::answer::{Answer, Answers, Reason, Refusal};
use crate::classify::{Classify, Condition};
use crate::limit::bulkhead::Ended;
use crate::timeout::Deadline;

/// What a [`BulkheadLayer`](super::BulkheadLayer) has to know of the requests it stands in front of:
/// [`Http`](super::Http) or [`Calls`].
pub trait Traffic<Req, Res, Err> {
    /// What is kept of a request to answer it.
    type Answer;
    /// The answer as the layer hands it out.
    type Response;
    /// How the layer fails.
    type Error;

    /// Looks at a request before it is handed on.
    fn answer(&self, request: &Req) -> Self::Answer;

    /// The deadline a request carries.
    fn deadline(&self, request: &Req) -> Option<Deadline>;

    /// The request is refused.
    ///
    /// # Errors
    ///
    /// Where there is no way to answer, the refusal as an error.
    fn refuse(answer: Self::Answer, refusal: Refusal) -> Result<Self::Response, Self::Error>;

    /// What the service's answer says of how much it takes, for a limit that learns.
    fn ended(&self, result: &Result<Res, Err>) -> Ended;

    /// The service's answer, over when `permit` is dropped.
    fn respond(&self, response: Res, permit: Permit) -> Self::Response;

    /// The service's error.
    fn error(error: Err) -> Self::Error;
}

/// Requests and answers of any kind; a call is over with its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls<A, C> {
    pub(super) answers: A,
    pub(super) classify: C,
}

impl<Req, Res, Err, A, C> Traffic<Req, Res, Err> for Calls<A, C>
where
    A: Answers<Req>,
    A::Answer: Answer<Res, Err>,
    C: Classify<Res, Err>,
{
    type Answer = A::Answer;
    type Response = Res;
    type Error = <A::Answer as Answer<Res, Err>>::Error;

    fn answer(&self, request: &Req) -> A::Answer {
        self.answers.answer(request)
    }

    fn deadline(&self, _: &Req) -> Option<Deadline> {
        None
    }

    fn refuse(answer: A::Answer, refusal: Refusal) -> Result<Res, Self::Error> {
        answer.refuse(refusal)
    }

    fn ended(&self, result: &Result<Res, Err>) -> Ended {
        self.classify.classify(result).into()
    }

    fn respond(&self, response: Res, _: Permit) -> Res {
        response
    }

    fn error(error: Err) -> Self::Error {
        A::Answer::error(error)
    }
}

/// Timeouts, 429, 503 and 504 are too much; other failures say nothing.
impl From<Condition> for Ended {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Served | Condition::Http403 | Condition::Http404 => Self::Served,
            Condition::Timeout | Condition::Http429 | Condition::Http503 | Condition::Http504 => {
                Self::Overloaded
            }
            Condition::Error
            | Condition::InvalidHeader
            | Condition::Aborted
            | Condition::Exhausted
            | Condition::Http500
            | Condition::Http502
            | Condition::Grpc { .. } => Self::Ignored,
        }
    }
}

/// A layer behind that had too much to do, or no time left, has too much; others say nothing of it.
impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Full | Reason::Shed | Reason::Deadline | Reason::Timeout => Self::Overloaded,
            Reason::RateLimited | Reason::Open => Self::Ignored,
        }
    }
}
