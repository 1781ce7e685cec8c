mod config;
mod future;
#[cfg(feature = "http")]
mod http;
#[allow(clippy::module_inception)]
mod layer;
mod replay;
mod service;

pub use config::RetryConfig;
pub use future::ResponseFuture;
#[cfg(feature = "http")]
pub(crate) use http::PREVIOUS_ATTEMPTS;
#[cfg(feature = "http")]
pub use http::{HttpAnswers, HttpKept, HttpRequests, PreviousAttempts};
pub use layer::RetryLayer;
pub use replay::{Cloned, Replay};
pub use service::Retry;
