//! Which clock stops when, and when all of them do.
//!
//! | phase | limit | NGINX word | what its end means |
//! | --- | --- | --- | --- |
//! | connecting | [`connect_timeout`](crate::Proxy::connect_timeout) | `proxy_connect_timeout` | `timeout`, nothing was sent |
//! | sending, while the peer takes no bytes | [`send_timeout`](crate::Proxy::send_timeout) | `proxy_send_timeout` | `timeout` |
//! | from the request's last byte to the end of the response header | [`read_timeout`](crate::Proxy::read_timeout) | `proxy_read_timeout` | `timeout` |
//! | response body, between two reads | [`read_timeout`](crate::Proxy::read_timeout) | `proxy_read_timeout` | the response breaks off |
//! | the whole request | [`request_timeout`](crate::Proxy::request_timeout) | - | [`ErrorKind::Deadline`](crate::ErrorKind::Deadline), or the response breaks off |
//! | serving, from the call to the end of the response | [`TimeoutLayer::request_timeout`] | - | 504, for gRPC DEADLINE_EXCEEDED; or the response breaks off |
//! | response body of the service, between two frames | [`TimeoutLayer::idle_timeout`](TimeoutLayer#method.idle_timeout) | - | the response breaks off |
//! | request body of the client, between two frames | [`RequestBodyTimeoutLayer`] | `client_body_timeout` | the body breaks off, and the service answers |
//!
//! The layers have no limit unless they are given one. A limit of zero expires at once, as in NGINX (TO-6);
//! it is not "no limit".
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::Proxy;
//!
//! let proxy = Proxy {
//!     connect_timeout: Duration::from_secs(2),
//!     read_timeout: Duration::from_secs(5),
//!     ..Proxy::default()
//! };
//! assert_eq!(proxy.send_timeout, Duration::from_secs(60));
//! ```
//!
//! # Serving
//!
//! A [`TimeoutLayer`] in front of a service limits the whole of a request: the call and the response's
//! body to its end. It reads when the caller stops waiting, if the caller is
//! [trusted](Incoming::trusting), takes the smaller of that and its own limit, and puts it into the
//! request's extensions as a [`Deadline`]. Work whose time is gone is not begun.
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, routing::get};
//! use http::HeaderName;
//! use tower_upstream::Upstream;
//! use tower_upstream::timeout::{Deadline, Incoming, TimeoutLayer};
//!
//! # fn router(orders: Upstream) -> Router {
//! let ours = HeaderName::from_static("x-request-timeout");
//! let timeout = TimeoutLayer::http()
//!     .request_timeout(Duration::from_secs(10))
//!     .idle_timeout(Duration::from_secs(2))
//!     .incoming(Incoming::trusting(|headers, _| headers.contains_key("x-our-mesh")).header(ours));
//!
//! Router::new()
//!     .route("/orders", get(move || async move {
//!         // Bounded by what is left of the request being served, without a word about it.
//!         let request = http::Request::get("/orders").body(axum::body::Body::empty())?;
//!         let reply = orders.send(request).await?;
//!         Ok(reply.map(axum::body::Body::new))
//!         # as Result<_, Failed>
//!     }))
//!     .layer(timeout)
//! # }
//! # struct Failed;
//! # impl<E: std::error::Error> From<E> for Failed { fn from(_: E) -> Self { Self } }
//! # impl axum::response::IntoResponse for Failed {
//! #     fn into_response(self) -> axum::response::Response { Default::default() }
//! # }
//! ```
//!
//! | what ends | how the caller learns of it |
//! | --- | --- |
//! | a request that comes too late | 504 at once, gRPC: DEADLINE_EXCEEDED; the service is not called |
//! | a call | the same, and its future is dropped in that moment |
//! | a response's body | an error: HTTP/1 closes the connection, HTTP/2 resets the stream |
//! | a gRPC response's body | trailers with DEADLINE_EXCEEDED, as gRPC servers end calls |
//! | a call over a service that is not HTTP | [`Error::Refused`](crate::answer::Error::Refused) |
//!
//! An answer that had to be waited for and comes when the time is over is not handed out; one that is
//! ready at once is, and so is the last frame of a body, however late. The layer sees what the service
//! does, not what the client reads: a response that nobody reads is the connection's to limit, and a
//! response that never pauses is looked at with every frame.
//!
//! What it costs: one clock reading and, where there is a limit, the extension; a timer from the first
//! wait on.
//!
//! # Calling
//!
//! An [`Upstream`](crate::Upstream) is bounded by the smallest of its own
//! [`request_timeout`](crate::Proxy::request_timeout), the [`Deadline`] in the extensions of the request
//! it sends, the [current](Deadline::current) one, and a gRPC request's `grpc-timeout`. What is left
//! bounds attempts, waits, hedges and the response's body; with nothing left no attempt is begun. Every
//! attempt tells its peer anew: gRPC in `grpc-timeout`, others in the
//! [header named for it](crate::Proxy::deadline_header).

#[cfg(feature = "http")]
mod body;
mod current;
mod deadline;
mod elapsed;
#[cfg(feature = "http")]
pub mod header;
#[cfg(feature = "http")]
mod incoming;
mod layer;
mod timer;

#[cfg(feature = "http")]
pub use body::TimeoutBody;
pub use current::Scope;
pub use deadline::Deadline;
pub use elapsed::Elapsed;
#[cfg(feature = "http")]
pub use incoming::Incoming;
pub use layer::{Call, Called, Calls, ResponseFuture, Rest, Timeout, TimeoutLayer, Traffic};
#[cfg(feature = "http")]
pub use layer::{Http, HttpCall, RequestBodyTimeout, RequestBodyTimeoutLayer};
pub(crate) use timer::Timer;
