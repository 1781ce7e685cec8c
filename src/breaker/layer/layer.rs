use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::builder::Builder;
use super::handle::Handle;
use super::service::Breaker;
use super::shared::Shared;
use crate::classify::Errors;

/// Puts a [`Breaker`] in front of a service.
///
/// The circuit belongs to the layer value: however often it is cloned or applied, there is one, and
/// every service under it speaks for the same thing. Two things that fail apart need two layers.
pub struct BreakerLayer<C = Errors> {
    pub(super) shared: Arc<Shared<C>>,
}

impl BreakerLayer {
    /// Five errors in a row open the circuit, for 10 s at first.
    pub fn new() -> Self {
        Self::builder().assemble()
    }

    /// Begins with what [`new`](Self::new) has.
    pub fn builder() -> Builder<Errors> {
        Builder::new()
    }
}

impl Default for BreakerLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> BreakerLayer<C> {
    /// The circuit's switch and gauge.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared.core))
    }
}

impl<C> Clone for BreakerLayer<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, C> Layer<S> for BreakerLayer<C> {
    type Service = Breaker<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Breaker::new(inner, Arc::clone(&self.shared))
    }
}

impl<C> fmt::Debug for BreakerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BreakerLayer").field(&self.shared).finish()
    }
}
