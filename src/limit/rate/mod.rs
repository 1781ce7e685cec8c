//! How often requests may come: NGINX's leaky bucket (`limit_req`), to the millisecond.
//!
//! Every key has an account that says how far its requests have run ahead of the rate, its *excess*.
//! One more request adds one, time takes away at the rate, and what the request would leave decides:
//!
//! | excess with this request | what becomes of it | NGINX words |
//! | --- | --- | --- |
//! | up to `delay` (default 0) | passes at once | `delay=`, `nodelay` |
//! | up to `burst` (default 0) | waits until the excess is down to `delay` | `burst=` |
//! | more | refused, and not charged | `limit_req_status` |
//!
//! So a rate of ten a second is one every 100 ms, and whoever sends two at once needs a burst. To bound
//! how many are served *at the same time* is [another limit's](crate::limit::bulkhead) job; one for how often
//! stands in front of it, since who waits for his turn here holds nobody's place.
//!
//! ```
//! # #[cfg(feature = "http")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, body::Body, routing::get};
//! use http::{HeaderName, Request};
//! use tower::ServiceExt;
//! use tower_upstream::limit::Header;
//! use tower_upstream::limit::rate::{RateLimit, RateLimitLayer};
//!
//! let tenant = Header::new(HeaderName::from_static("x-tenant"));
//! let layer = RateLimitLayer::http(RateLimit::per_minute(30).burst(2).nodelay().key(tenant))
//!     .and(RateLimit::per_second(1000).burst(100)) // and all tenants together
//!     .status(429)
//!     .build()?;
//! let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(layer);
//!
//! let ask = || Request::get("/").header("x-tenant", "blue").body(Body::empty());
//! for _ in 0..3 {
//!     assert_eq!(app.clone().oneshot(ask()?).await?.status(), 200);
//! }
//! let refused = app.clone().oneshot(ask()?).await?;
//! assert_eq!(refused.status(), 429);
//! assert_eq!(refused.headers()["retry-after"], "2"); // half a request a second, rounded up
//! assert_eq!(refused.headers()["ratelimit"], "\"default\";r=0;t=2");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "http"))]
//! # fn main() {}
//! ```
//!
//! | said by | default | NGINX words |
//! | --- | --- | --- |
//! | [`RateLimit::per_second`], `per_minute`, or a [`Zone`] for several layers | - | `limit_req_zone`, `rate=` |
//! | [`key`](RateLimit::key), [`key_by`](RateLimit::key_by) | all together | the zone's key |
//! | [`burst`](RateLimit::burst), [`nodelay`](RateLimit::nodelay), [`delay`](RateLimit::delay) | 0, who is early waits | `burst=`, `nodelay`, `delay=` |
//! | the [`Zone`]'s memory | 10 MiB | `zone=name:10m` |
//! | [`status`](Builder::status) | 503 | `limit_req_status` |
//! | [`fields`](Builder::fields): how callers stand | in refusals | - |
//! | [`dry_run`](Builder::dry_run) | off | `limit_req_dry_run` |
//! | [`store`](Builder::store): where accounts are kept | in this process | - |
//!
//! * **Numbers are NGINX's**: thousandths of a request, whole milliseconds, both rounded as it does. The
//!   two are compared on the same requests.
//! * **Whose account** a request is charged to is said by [`Keys`](crate::limit::Keys). An empty key, or
//!   one over 65 535 bytes, is not limited.
//! * **Memory is bounded** by the [`Zone`]: new keys close accounts that have been idle for a minute, or
//!   the oldest of all. What then finds no room is refused.
//! * **Several limits**, [`and`](Builder::and): any may refuse, and then none is charged; the longest
//!   wait is the wait. Unlike NGINX's workers, threads cannot come between the decision and the charge.
//! * **State** belongs to the layer value or to a [`Zone`] that several layers use. Clones, routes and
//!   connections share it.
//! * **Readiness.** The layer is ready when the service is, and decides in `call`. Who passes at once
//!   takes the readiness that was waited for; who waits or is refused gives it back.
//! * **Deadlines.** A request whose turn would come after the
//!   [deadline](crate::answer::Answers::deadline) that it carries, or the current one, is refused at once;
//!   one that comes with its time over is not even charged.
//! * **Cancel safety.** A call may be dropped at any moment, and then holds nothing. What it was charged
//!   stays charged, also if it leaves while it waits, as in NGINX.
//! * **Errors.** With `RateLimitLayer::http` a refusal is a response, with `Retry-After`, and the service's
//!   error stays what it is; with [`RateLimitLayer::errors`] it is an [`Error`](crate::answer::Error).
//! * **Dry run**: [charged and counted](Builder::dry_run), but let through; the [`Snapshot`] says what
//!   would have been.
//! * **Elsewhere**: accounts that several processes share are a [`Store`] of your own; [`Local`] is the
//!   default. Without the layer, [`Local::decide`] is told the time and answers.
//!
//! A request that passes costs one reading of the clock, one short lock and no allocation, unless its key
//! is new; with several limits, one lock for each and five short lists.

mod bucket;
mod fields;
mod layer;
mod limit;
mod local;
#[allow(clippy::module_inception)]
mod rate;
mod status;
mod store;
mod table;
mod zone;

pub use bucket::Bucket;
pub use fields::RateLimitFields;
pub use layer::{
    Both, Builder, KeySet, One, RateLimit, RateLimitLayer, RateLimited, ResponseFuture, Snapshot,
};
pub use limit::{Delay, Limit};
pub use local::Local;
pub use rate::Rate;
pub use status::Status;
pub use store::{Ask, Standing, Store, Taken, Verdict};
pub use zone::Zone;
