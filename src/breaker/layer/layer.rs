use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::builder::Builder;
use super::error::OwnErrors;
use super::handle::Handle;
use super::service::Breaker;
use super::shared::Shared;
use crate::classify::Errors;
#[cfg(feature = "http")]
use {crate::answer::HttpAnswers, crate::classify::ServerErrors};

/// Puts a [`Breaker`] in front of a service.
///
/// The circuit belongs to the layer value: however often it is cloned or applied, there is one, and
/// every service under it speaks for the same thing. Two things that fail apart need two layers.
pub struct BreakerLayer<C = Errors, A = OwnErrors> {
    pub(super) shared: Arc<Shared<C>>,
    pub(super) answers: A,
}

impl BreakerLayer {
    /// Five errors in a row open the circuit, for 10 s at first.
    pub fn new() -> Self {
        Self::builder().assemble()
    }

    /// Begins with what [`new`](Self::new) has.
    pub fn builder() -> Builder<Errors> {
        Builder::new(Errors, OwnErrors)
    }

    /// The same, where `answers` says what a refusal becomes; its [`Reason`](crate::answer::Reason) is
    /// `Open`, and it has no time to come back while an operator holds the circuit open.
    pub fn with_answers<A>(answers: A) -> Builder<Errors, A> {
        Builder::new(Errors, answers)
    }
}

#[cfg(feature = "http")]
impl BreakerLayer<ServerErrors, HttpAnswers> {
    /// In front of an HTTP service, where errors and statuses from 500 on are failures. Refusals are
    /// responses, 503 with `Retry-After` or for gRPC UNAVAILABLE with pushback, and errors keep their
    /// type. What a gRPC status counts is for [`classify`](Builder::classify) to say.
    pub fn http() -> Builder<ServerErrors, HttpAnswers> {
        Builder::new(ServerErrors, HttpAnswers)
    }
}

impl Default for BreakerLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<C, A> BreakerLayer<C, A> {
    /// The circuit's switch and gauge.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared.core))
    }
}

impl<C, A: Clone> Clone for BreakerLayer<C, A> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            answers: self.answers.clone(),
        }
    }
}

impl<S, C, A: Clone> Layer<S> for BreakerLayer<C, A> {
    type Service = Breaker<S, C, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Breaker::new(inner, Arc::clone(&self.shared), self.answers.clone())
    }
}

impl<C, A> fmt::Debug for BreakerLayer<C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BreakerLayer").field(&self.shared).finish()
    }
}
