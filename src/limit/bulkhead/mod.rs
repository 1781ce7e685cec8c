//! How many requests are served at once: who is served, who waits for a place, and who goes away.
//!
//! ```text
//!            deadline over      key full            no place to wait
//!                 │                │                       │
//! request ─▶ its time ─▶ its key's places ─▶ places for its class ─┬─▶ served ─▶ to the end of its body
//!                                                                  │               │ a place is free
//!                                                                  └─▶ waits ◀─────┘
//!                                                                        └─▶ not in time: refused
//! ```
//!
//! | question | answered by | default | NGINX words |
//! | --- | --- | --- | --- |
//! | how many of all | [`Limit`]: a number, [`Vegas`] or [`Gradient2`] | - | - |
//! | how many of one key | [`per_key`](Builder::per_key), counted in a [`Zone`] | no limit | `limit_conn_zone`, `limit_conn` |
//! | who waits, how long, who is next | [`Queue`] | nobody waits | - |
//! | who goes first when it gets tight | [`classes`](Builder::classes) and their [`Shares`] | all are alike | - |
//! | when a place is free again | `Release` (feature `http`) | at the end of the body | as NGINX |
//! | what the refused are told | [`answer`](crate::answer), [`status`](Builder::status) | 503 | `limit_conn_status` |
//! | whether anybody is refused | [`dry_run`](Builder::dry_run) | yes | `limit_conn_dry_run` |
//!
//! A limit on how *often* is [`rate`](crate::limit::rate)'s; it stands in front, since who waits for his
//! turn there holds nobody's place here.
//!
//! ```
//! # #[cfg(feature = "http")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, body::Body, routing::get};
//! use http::{HeaderName, Request};
//! use tower::ServiceExt;
//! use tower_upstream::limit::Header;
//! use tower_upstream::limit::bulkhead::{BulkheadLayer, Queue};
//!
//! let tenant = Header::new(HeaderName::from_static("x-tenant"));
//! let layer = BulkheadLayer::http(64)
//!     .queue(Queue::default())
//!     .per_key(2, tenant)
//!     .build()?;
//! let bulkhead = layer.handle();
//! let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(layer);
//!
//! let ask = || Request::get("/").header("x-tenant", "blue").body(Body::empty());
//! let first = app.clone().oneshot(ask()?).await?;
//! let _second = app.clone().oneshot(ask()?).await?; // nobody has read the answers
//! assert_eq!(bulkhead.snapshot().in_flight, 2);
//! assert_eq!(app.clone().oneshot(ask()?).await?.status(), 503);
//!
//! axum::body::to_bytes(first.into_body(), 100).await?;
//! assert_eq!(app.clone().oneshot(ask()?).await?.status(), 200);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "http"))]
//! # fn main() {}
//! ```
//!
//! # Which limit
//!
//! A fixed number with a queue: the number is how many the service works on at its best, the queue evens
//! out bursts and gets out of the way of an overload. Where nobody knows the number, or it changes,
//! [`Vegas`] finds it; [`Gradient2`] where latency scatters widely, and overloads do not last for hours.
//! A service of ten workers with ten milliseconds a call, of which a thousand a second are the capacity,
//! in a simulation that is a test of this room (share of the capacity that is answered within 100 ms):
//!
//! | limit | twice the capacity | 0.8 of it, then three times slower | 1.1 times the capacity, for minutes |
//! | --- | --- | --- | --- |
//! | 200 | 0 %, p99 240 ms | 1 %, 730 ms | 0 %, 240 ms |
//! | 10, with a [`Queue`] | 99-100 %, 81 ms | 92-98 %, 166 ms | 96-98 %, 91 ms |
//! | [`Vegas`] | 98-100 %, 58 ms | 90-98 %, 162 ms | 95-98 %, 55 ms |
//! | [`Gradient2`] | 100 %, 67 ms | 91-100 %, 169 ms | 100 %, 71 ms, and drifting up |
//!
//! Both learn how long calls take until they are answered, not until their bodies are read, which is the
//! reader's time; from calls that were served; and only grow while they are used.
//!
//! # What holds
//!
//! * **One account per layer value.** Its clones, however often they are applied, and all their services
//!   share it: routes, cloned routers and connections too.
//! * **No place is lost or kept.** A place belongs to a [`Permit`], which moves from the call to the
//!   response's body; dropping it, wherever that is, frees the place. Whoever waits is woken by whoever
//!   frees a place, which is his from that moment on; if he has gone, it goes to the next. Every order in
//!   which that can happen between a few callers is searched by a test.
//! * **A tunnel** (`101`) is over with its response: what flows afterwards has no body to ride on.
//! * **Readiness.** The layer is ready when the service is, and decides in `call`: whoever is ready and
//!   does not call holds nothing. Who is served at once takes the readiness that was waited for; who
//!   waits or is refused gives it back.
//! * **Deadlines.** A [`Deadline`](crate::timeout::Deadline) that a request carries, or the current one,
//!   bounds its wait. Once it is over, the request is refused.
//! * **Dry run**: [counted](Builder::dry_run), but let through; the [`Snapshot`] says what would have been.
//! * **Cancel safety.** A call may be dropped at any moment, and its service may panic.
//! * **Errors.** With `BulkheadLayer::http` a refusal is a response and the service's error stays what it
//!   is; with [`BulkheadLayer::errors`] it is an [`Error`](crate::answer::Error).
//!
//! A request that is served at once costs two short locks and no allocation, and a third lock under a
//! limit that learns; one more lock when it comes and goes where keys are limited, whose key is allocated
//! when it is the first. One that waits is boxed.

mod adaptive;
mod class;
mod counts;
mod gate;
#[cfg(test)]
mod interleavings;
mod layer;
mod queue;
#[cfg(test)]
mod simulation;
mod zone;

pub use adaptive::{Ended, Gradient2, Limit, Limiter, Sample, Vegas};
pub use class::{Class, Shares, UnknownClass};
pub use counts::NotIn;
pub use layer::{
    Alike, Builder, Bulkhead, BulkheadLayer, Calls, Classes, Handle, Permit, ResponseFuture,
    Snapshot, Traffic,
};
#[cfg(feature = "http")]
pub use layer::{ClassHeader, Http, Release};
pub use queue::Queue;
pub use zone::{Presence, Zone};
