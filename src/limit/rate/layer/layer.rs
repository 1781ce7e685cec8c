use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::builder::Builder;
use super::config::RateLimit;
use super::service::RateLimited;
use super::shared::{Shared, Snapshot};
use super::sources::One;
use crate::answer::Errors;
#[cfg(feature = "http")]
use crate::answer::HttpAnswers;
use crate::limit::rate::Local;

/// Puts limits on how often requests come in front of a service.
///
/// The accounts belong to the layer value, or to the [`Zone`](crate::limit::rate::Zone) it was given:
/// however often it is cloned or applied, there is one of each.
pub struct RateLimitLayer<K, A, T = Local> {
    pub(super) shared: Arc<Shared<K, A, T>>,
}

#[cfg(feature = "http")]
impl<K> RateLimitLayer<One<K>, HttpAnswers> {
    /// For HTTP services, gRPC among them: refusals are responses, and errors keep their type.
    pub fn http(limit: RateLimit<K>) -> Builder<One<K>, HttpAnswers> {
        Builder::new(limit, HttpAnswers)
    }
}

impl<K> RateLimitLayer<One<K>, Errors> {
    /// For any service: refusals are an [`Error`](crate::answer::Error).
    pub fn errors(limit: RateLimit<K>) -> Builder<One<K>, Errors> {
        Builder::new(limit, Errors)
    }
}

impl<K, A> RateLimitLayer<One<K>, A> {
    /// With answers of your own.
    pub fn answers(limit: RateLimit<K>, answers: A) -> Builder<One<K>, A> {
        Builder::new(limit, answers)
    }
}

impl<K, A, T> RateLimitLayer<K, A, T> {
    /// What came of the requests so far.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.counts.snapshot()
    }
}

impl<K, A, T> Clone for RateLimitLayer<K, A, T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, K, A, T> Layer<S> for RateLimitLayer<K, A, T> {
    type Service = RateLimited<S, K, A, T>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimited::new(inner, Arc::clone(&self.shared))
    }
}

impl<K, A, T> fmt::Debug for RateLimitLayer<K, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimitLayer").field(&self.shared).finish()
    }
}
