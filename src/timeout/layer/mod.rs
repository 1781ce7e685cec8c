mod future;
#[cfg(feature = "http")]
mod http;
#[allow(clippy::module_inception)]
mod layer;
mod limits;
mod service;
mod traffic;

pub use future::ResponseFuture;
#[cfg(feature = "http")]
pub use http::{Http, HttpCall};
pub use layer::TimeoutLayer;
use limits::{Limit, Limits};
pub use service::Timeout;
pub use traffic::{Call, Called, Calls, Rest, Traffic};
