use std::time::Duration;

use tower_layer::Layer;

use super::{Calls, Limits, Timeout};
use crate::answer::Errors;
#[cfg(feature = "http")]
use {super::super::Incoming, super::Http, crate::answer::HttpAnswers};

/// Limits how long a request may take, answer and all; see [the room](crate::timeout).
///
/// It keeps nothing between requests, so it makes no difference how often it is applied or cloned.
#[derive(Clone, Debug)]
pub struct TimeoutLayer<T> {
    limits: Limits,
    traffic: T,
}

impl TimeoutLayer<Calls<Errors>> {
    /// In front of any service, without limits so far. A call that takes too long ends in an
    /// [`Error::Refused`](crate::answer::Error::Refused).
    pub fn new() -> Self {
        Self::with_answers(Errors)
    }
}

impl Default for TimeoutLayer<Calls<Errors>> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> TimeoutLayer<Calls<A>> {
    /// The same, where `answers` says what becomes of a call that takes too long.
    pub fn with_answers(answers: A) -> Self {
        Self {
            limits: Limits::default(),
            traffic: Calls { answers },
        }
    }
}

#[cfg(feature = "http")]
impl TimeoutLayer<Http<HttpAnswers>> {
    /// In front of an HTTP service, without limits so far. A request that takes too long is answered:
    /// 504, or for gRPC DEADLINE_EXCEEDED.
    pub fn http() -> Self {
        Self::http_with_answers(HttpAnswers)
    }
}

#[cfg(feature = "http")]
impl<A> TimeoutLayer<Http<A>> {
    /// The same, where `answers` says what becomes of a request that takes too long.
    pub fn http_with_answers(answers: A) -> Self {
        Self {
            limits: Limits::default(),
            traffic: Http {
                answers,
                incoming: None,
                pause: None,
            },
        }
    }

    /// Longest time in which the service has nothing more to give of a response it has begun, default
    /// none. The response then breaks off, as at the end of the whole request's time.
    ///
    /// Not `proxy_read_timeout`, which an [`Upstream`](crate::Upstream) has, nor `send_timeout`, which
    /// limits a client that does not read and is the server's.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.traffic.pause = Some(limit);
        self
    }

    /// Whose deadlines are taken from the request's headers, default nobody's.
    pub fn incoming(mut self, incoming: Incoming) -> Self {
        self.traffic.incoming = Some(incoming);
        self
    }
}

impl<T> TimeoutLayer<T> {
    /// Limit on everything from the call to the end of the answer, an HTTP response's body included;
    /// default none. Zero refuses every request.
    ///
    /// A [`Deadline`](crate::timeout::Deadline) that a request comes with holds where it is the smaller
    /// one. Time before the call is not counted, such as that for which the service behind is not ready.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.limits.request_timeout = Some(limit);
        self
    }

    /// The HTTP status of a request whose time was over before its response began, default 504; from 400
    /// to 599, or it is taken for the default: nobody is told that all is well. gRPC callers are told
    /// DEADLINE_EXCEEDED all the same.
    pub fn status(mut self, status: u16) -> Self {
        self.limits.status = Some(status).filter(|status| (400..=599).contains(status));
        self
    }
}

impl<S, T: Clone> Layer<S> for TimeoutLayer<T> {
    type Service = Timeout<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        Timeout::new(inner, self.limits, self.traffic.clone())
    }
}
