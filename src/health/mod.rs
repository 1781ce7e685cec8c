//! Looking at servers, whether or not requests go there: active health checks.
//!
//! Passive failures ([`breaker`](crate::breaker)) cost requests: somebody's has to fail before a server
//! is left alone, and when its time is over somebody's has to try it again. Checks find out with
//! requests of their own. Reach for them when requests are rare, dear or not safe to repeat, when a
//! server can answer and still be unfit (its health path knows), and for new servers that must not get
//! any request before they work ([`mandatory`](crate::HealthCheck::mandatory)). Many clients of one
//! server look at it many times; where requests are plentiful and may be repeated, the passive rules
//! are enough.
//!
//! ```text
//!                     first look went well, or `rise` in a row
//!          ┌───────────────────────────────────────────────────────┐
//!  nothing known ──▶ healthy ──▶ unsure ── `fall` failed in a row ──▶ unhealthy
//!  (chosen, unless      ▲           │                                  not chosen
//!   mandatory)          └─ went well┘
//! ```
//!
//! [`HealthCheck`](crate::HealthCheck) says what is asked, and how often. [`Standing`] is one server's
//! verdict, told what each look brought. [`Checks`] is the door, a future that the caller spawns.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_upstream::BoxError> {
//! use std::future::IntoFuture;
//! use axum::{Router, http::StatusCode, routing::get};
//! use tokio::net::TcpListener;
//! use tower_upstream::health::{Checks, Failure};
//! use tower_upstream::{HealthCheck, Server, Upstream};
//!
//! // It answers, but it is not fit to.
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?.to_string();
//! let sick = Router::new().route("/healthz", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
//! tokio::spawn(axum::serve(listener, sick).into_future());
//!
//! let orders = Upstream::builder()
//!     .server(Server::new(&address))
//!     .health_check(HealthCheck::http("/healthz").fall(1))
//!     .build()?;
//! let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
//! if let Some(checks) = Checks::of(orders.group()) {
//!     let checks = checks.report(move |change| {
//!         let _ = tell.send(change.clone());
//!     });
//!     tokio::spawn(checks.run());
//! }
//!
//! let change = told.recv().await.ok_or("nobody checks")?;
//! assert_eq!((&*change.address, change.healthy), (&*address, false));
//! assert_eq!(change.failure, Some(Failure::Status(StatusCode::SERVICE_UNAVAILABLE)));
//! assert_eq!(orders.group().snapshot()[0].state.healthy, Some(false));
//! # Ok(())
//! # }
//! ```
//!
//! # Beside passive failures
//!
//! The two verdicts stand apart in [`PeerState`](crate::balance::PeerState): `healthy` is what checks
//! say, `state` what failures say. Requests choose a server only if neither has anything against it;
//! neither changes the other. An unhealthy server that comes back does so under
//! [slow start](crate::balance::SlowStart), if the group has it.
//!
//! A ban does not hasten the next look. It would gain nothing: a banned server gets no requests
//! anyway, the pace quickens with the first look that fails, and bans are each worker's own, so that
//! somebody would have to read all of their books all the time.
//!
//! # What a look is
//!
//! A connection of its own, closed afterwards, never one that requests use; the pool knows nothing of
//! it. Over HTTP a request with `Connection: close`, and an answer of a status that is well, whose body
//! ends or exceeds 16 KiB; all within [`timeout`](crate::HealthCheck::timeout). Over TCP a connection
//! that is accepted. In gRPC (feature `http2`) a call of `grpc.health.v1.Health/Check`, and the answer
//! `SERVING`, or a status that is well without one. A process that has no socket left to look with has learned nothing of the server,
//! and counts nothing. Where requests go over TLS, [`Checks`] have to be told so (`Checks::tls`, feature
//! `tls`). Anything else can be looked at with [`Checks::probe`].
//!
//! Each server is looked at once at a time, whatever the number of lines that name it, and no more than
//! 64 servers at once. The first looks come within the time of one unsure pause; later ones are spread
//! over the interval. Servers that are `down`, or no part of the group's
//! [subset](crate::balance::Subset), are not looked at.
//!
//! # In NGINX
//!
//! `health_check` is commercial; its `interval`, `jitter`, `fails`, `passes`, `uri`, `port`, `type=grpc`
//! with `grpc_service` and `grpc_status`, and `mandatory` are here, `match` as far as statuses go. Its defaults take a server out and bring it
//! back with a single look; here they are HAProxy's `rise` and `fall`, and the quicker pace while
//! unsure is its `fastinter`. The first look that goes well is enough, as in Envoy.
//!
//! In the [gateway](crate::nginx) `active_check` starts them, one task for all workers. What they said
//! outlives a reload: a server that was unhealthy is so until a look at it goes well
//! ([`Group::reconfigured`](crate::Group::reconfigured)).
//!
//! # Cancel safety
//!
//! [`Checks::run`] may be dropped at any moment. Looks under way are given up, and every verdict is
//! taken back. It ends by itself when the group is gone.

mod checks;
mod failure;
#[cfg(feature = "http2")]
mod grpc;
mod looks;
mod probe;
mod rounds;
mod standing;

pub use checks::{Change, Checks};
pub use failure::Failure;
pub use standing::{Look, Standing};
