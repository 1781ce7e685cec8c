mod builder;
mod classes;
mod core;
mod future;
#[cfg(feature = "http")]
mod http;
#[allow(clippy::module_inception)]
mod layer;
mod permit;
mod service;
mod shared;
mod snapshot;
mod traffic;

pub use builder::Builder;
#[cfg(feature = "http")]
pub use classes::ClassHeader;
pub use classes::{Alike, Classes};
pub use future::ResponseFuture;
#[cfg(feature = "http")]
pub use http::{Http, Release};
pub use layer::BulkheadLayer;
pub use permit::Permit;
pub use service::Bulkhead;
pub use snapshot::{Handle, Snapshot};
pub use traffic::{Calls, Traffic};
