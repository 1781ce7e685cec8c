//! When a peer is left alone, and when it is tried again.
//!
//! ```text
//!            one failure too many               the ban runs out
//! Closed ───────────────────────▶ Open ───────────────────────────▶ HalfOpen
//!    ▲                             ▲                                   │
//!    │                             └── the probe failed, or is late ───┤
//!    └──────────────── the probe succeeded ────────────────────────────┘
//! ```
//!
//! Who is judged by which rule is [`FailureRules`], a value of the configuration; the rule for one
//! peer is a [`FailureRule`], a machine that is told the time.
//!
//! | rule | takes a peer out when | choose it when | NGINX word |
//! | --- | --- | --- | --- |
//! | [`MaxFails`] | failures add up to `max_fails` | you want what NGINX does, or few requests go to each peer | `max_fails`, `fail_timeout` |
//! | [`Consecutive`] | that many fail in a row | a peer is either well or gone, and a relapse should cost it more each time | - |
//! | [`SuccessRatio`] | too few of the last seconds' attempts succeed | there is traffic enough to measure and a peer may be half ill | - |
//!
//! In each the probe is a lease: the first pick after a ban takes it, everybody else keeps seeing a
//! ban until the probe ends or the lease runs out, so a probe that is lost cannot wedge a peer. In
//! NGINX's rule a lease lasts `fail_timeout`; in the others as long as the [`Ejection`] before it, and
//! those grow while a peer keeps failing.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::breaker::{FailureRule, MaxFails, State};
//!
//! let at = Duration::from_secs;
//! let mut peer = MaxFails::new(1, at(10));
//! peer.failed(at(100));
//! assert_eq!(peer.state(at(110)), State::Open);
//! assert_eq!(peer.state(at(111)), State::HalfOpen);
//! peer.picked(at(111)); // the probe
//! assert_eq!(peer.state(at(111)), State::Open);
//! peer.succeeded(at(111));
//! assert_eq!(peer.state(at(111)), State::Closed);
//! ```

//! # Over a service that stands alone
//!
//! In [`Upstream`](crate::Upstream) every peer has its circuit, asked in the same step that chooses.
//! [`BreakerLayer`] is for what is not chosen from a group: a database, a queue, another's client.
//! Behind it the service is called while the circuit is closed, once while it is half open, and not
//! at all while it is open; then callers get [`Error::Open`], which says when to come back.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{io, time::Duration};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_upstream::breaker::{BreakerLayer, Consecutive, Error, State};
//!
//! let layer = BreakerLayer::builder()
//!     .rule(Consecutive { failures: 3, ..Consecutive::default() })
//!     .build()?;
//! let database = layer.layer(service_fn(|query: &'static str| async move {
//!     match query {
//!         "select 1" => Ok(1),
//!         _ => Err(io::Error::other("connection lost")),
//!     }
//! }));
//!
//! for _ in 0..3 {
//!     let lost = database.clone().oneshot("select 2").await;
//!     assert!(matches!(lost, Err(Error::Inner(_))));
//! }
//! let refused = database.clone().oneshot("select 1").await.unwrap_err();
//! assert_eq!(refused.retry_after(), Some(Duration::from_secs(10)));
//!
//! tokio::time::advance(Duration::from_secs(10)).await;
//! assert_eq!(layer.handle().snapshot().state, State::HalfOpen);
//! assert_eq!(database.clone().oneshot("select 1").await?, 1); // the probe
//! assert_eq!(layer.handle().snapshot().state, State::Closed);
//! # Ok(())
//! # }
//! ```
//!
//! | said by | default | NGINX words |
//! | --- | --- | --- |
//! | [`rule`](Builder::rule), [`max_fails`](Builder::max_fails), [`own_rule`](Builder::own_rule) | [`Consecutive`]: five in a row, out for 10 s, twice as long each time, 300 s at most | `max_fails`, `fail_timeout` |
//! | [`classify`](Builder::classify): what a failure is | every error | - |
//! | [`slow_call`](Builder::slow_call): too slow is a failure | off | - |
//! | [`shadow`](Builder::shadow) | off | - |
//!
//! * **One circuit per layer value.** Its clones, however often they are applied, and all their
//!   services share it: routes of an axum router under one `route_layer` too.
//! * **What counts** is said by a [`Classify`](crate::classify::Classify): errors, unless told
//!   otherwise; with feature `http`, `ServerErrors` adds the statuses from 500 on. A call is over when
//!   its future is, for HTTP with the response's header.
//! * **Errors.** Refusals are the breaker's own [`Error`], around the service's. In front of HTTP services,
//!   [`BreakerLayer::http`] answers with 503 and `Retry-After`, or UNAVAILABLE, and keeps the service's error.
//! * **Only the present is heard.** A call let through before the circuit last changed its state can
//!   neither open nor close it; it is counted as `unheard` in the [`Snapshot`].
//! * **Timeouts belong behind it**, where they are errors. One in front drops the call, and a dropped
//!   call says nothing, unless [`slow_call`](Builder::slow_call) is set.
//! * **Retries belong behind it** too, if the circuit is to open for what they could not mend; in
//!   front of it they meet a refusal, and its `retry_after`.
//! * **Readiness.** It never waits on its own account: while open it is ready at once and does not ask
//!   the service. It decides in `call`, so that whoever is ready and does not call holds nothing.
//! * **Cancel safety.** A call may be dropped at any moment, and its service may panic: both are
//!   counted as `cancelled`, neither for nor against the service. If it was the probe, the next call
//!   may be it at once; under NGINX's rule, when the lease runs out.
//! * **By hand.** A [`Handle`] forces the circuit open or closed, gives it back to the rule, and shows
//!   what it has done. [Shadow mode](Builder::shadow) only counts what it would have done.
//!
//! A call costs one short lock when it begins and one when it ends, two readings of the clock, and no
//! allocation.

mod consecutive;
mod ejecting;
mod ejection;
mod layer;
mod max_fails;
mod rule;
mod rules;
mod slow_fault;
mod success_ratio;
mod window;

pub use consecutive::Consecutive;
pub use ejection::Ejection;
pub use layer::{
    Breaker, BreakerLayer, Builder, Error, Handle, Mode, OwnErrors, ResponseFuture, Snapshot,
};
pub use max_fails::MaxFails;
pub use rule::{FailureRule, State};
pub use rules::{Circuit, FailureRules};
pub use slow_fault::SlowFault;
pub(crate) use slow_fault::{Normal, Silence};
pub use success_ratio::SuccessRatio;
pub use window::{Counts, Window};
