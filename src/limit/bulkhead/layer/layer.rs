use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::builder::Builder;
use super::classes::Alike;
#[cfg(feature = "http")]
use super::http::{Http, Release};
use super::service::Bulkhead;
use super::shared::Shared;
use super::snapshot::Handle;
use super::traffic::Calls;
use crate::answer::Errors;
#[cfg(feature = "http")]
use crate::answer::HttpAnswers;
use crate::classify;
use crate::limit::Everyone;
use crate::limit::bulkhead::Limit;

/// Puts a [`Bulkhead`] in front of a service.
///
/// Its places belong to the layer value: however often it is cloned or applied, there are as many.
pub struct BulkheadLayer<T, K = Everyone, P = Alike> {
    pub(super) shared: Arc<Shared<T, K, P>>,
}

#[cfg(feature = "http")]
impl BulkheadLayer<Http<HttpAnswers, classify::ServerErrors>> {
    /// For HTTP services, gRPC among them: refusals are responses, and errors keep their type. A number,
    /// [`Vegas`](crate::limit::bulkhead::Vegas) or [`Gradient2`](crate::limit::bulkhead::Gradient2).
    pub fn http(limit: impl Into<Limit>) -> Builder<Http<HttpAnswers, classify::ServerErrors>> {
        Self::http_answers(limit, HttpAnswers)
    }
}

#[cfg(feature = "http")]
impl<A> BulkheadLayer<Http<A, classify::ServerErrors>> {
    /// The same with answers of your own.
    pub fn http_answers(
        limit: impl Into<Limit>,
        answers: A,
    ) -> Builder<Http<A, classify::ServerErrors>> {
        let traffic = Http {
            answers,
            classify: classify::ServerErrors,
            release: Release::default(),
        };
        Builder::new(limit.into(), traffic)
    }
}

impl BulkheadLayer<Calls<Errors, classify::Errors>> {
    /// For any service: refusals are an [`Error`](crate::answer::Error), and a call is over with its
    /// answer.
    pub fn errors(limit: impl Into<Limit>) -> Builder<Calls<Errors, classify::Errors>> {
        Self::answers(limit, Errors)
    }
}

impl<A> BulkheadLayer<Calls<A, classify::Errors>> {
    /// The same with answers of your own.
    pub fn answers(limit: impl Into<Limit>, answers: A) -> Builder<Calls<A, classify::Errors>> {
        let traffic = Calls {
            answers,
            classify: classify::Errors,
        };
        Builder::new(limit.into(), traffic)
    }
}

impl<T, K, P> BulkheadLayer<T, K, P> {
    /// The bulkhead's gauge.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared.core))
    }
}

impl<T, K, P> Clone for BulkheadLayer<T, K, P> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, T, K, P> Layer<S> for BulkheadLayer<T, K, P> {
    type Service = Bulkhead<S, T, K, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Bulkhead::new(inner, Arc::clone(&self.shared))
    }
}

impl<T, K, P> fmt::Debug for BulkheadLayer<T, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BulkheadLayer").field(&self.shared).finish()
    }
}
