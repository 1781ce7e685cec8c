//! When a peer is left alone, and when it is tried again.
//!
//! ```text
//!            fails >= max_fails                 fail_timeout passed
//! Closed ───────────────────────▶ Open ───────────────────────────▶ HalfOpen
//!    ▲                             ▲                                   │
//!    │                             └── the probe failed, or is late ───┤
//!    └──────────────── the probe succeeded ────────────────────────────┘
//! ```
//!
//! [`MaxFails`] is NGINX's rule. Its probe is a lease: choosing a peer whose ban has run out stamps
//! `checked`, and everybody else keeps seeing a ban until the probe ends or another `fail_timeout`
//! has passed, so a probe that is lost cannot wedge a peer.
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

mod max_fails;
mod rule;
mod slow_fault;

pub use max_fails::MaxFails;
pub use rule::{FailureRule, State};
pub use slow_fault::SlowFault;
