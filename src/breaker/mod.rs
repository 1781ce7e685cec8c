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

mod consecutive;
mod ejecting;
mod ejection;
mod max_fails;
mod rule;
mod rules;
mod slow_fault;
mod success_ratio;
mod window;

pub use consecutive::Consecutive;
pub use ejection::Ejection;
pub use max_fails::MaxFails;
pub use rule::{FailureRule, State};
pub use rules::{Circuit, FailureRules};
pub use slow_fault::SlowFault;
pub use success_ratio::SuccessRatio;
pub use window::{Counts, Window};
