mod future;
#[cfg(feature = "http")]
mod http;
#[allow(clippy::module_inception)]
mod layer;
mod limits;
#[cfg(feature = "http")]
mod request_body;
mod service;
mod traffic;

pub use future::ResponseFuture;
#[cfg(feature = "http")]
pub use http::{Http, HttpCall};
pub use layer::TimeoutLayer;
use limits::{Limit, Limits};
#[cfg(feature = "http")]
pub use request_body::{RequestBodyTimeout, RequestBodyTimeoutLayer};
pub use service::Timeout;
pub use traffic::{Call, Called, Calls, Rest, Traffic};
