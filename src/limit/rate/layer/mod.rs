mod builder;
mod config;
mod future;
#[allow(clippy::module_inception)]
mod layer;
mod service;
mod shared;
mod sources;

pub use builder::Builder;
pub use config::RateLimit;
pub use future::ResponseFuture;
pub use layer::RateLimitLayer;
pub use service::RateLimited;
pub use shared::Snapshot;
pub use sources::{Both, KeySet, One};
