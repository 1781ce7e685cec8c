mod builder;
mod error;
mod future;
mod gate;
mod handle;
#[allow(clippy::module_inception)]
mod layer;
mod service;
mod shared;
mod snapshot;

pub use builder::Builder;
pub use error::{Error, OwnErrors};
pub use future::ResponseFuture;
pub use handle::Handle;
pub use layer::BreakerLayer;
pub use service::Breaker;
pub use snapshot::{Mode, Snapshot};
