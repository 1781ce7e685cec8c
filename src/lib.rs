//! The resilience of an NGINX gateway, inside your process.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod balance;
pub mod breaker;
pub mod classify;
mod clock;
#[cfg(feature = "http")]
pub mod connect;
mod error;
#[cfg(feature = "nginx")]
pub mod nginx;
#[cfg(feature = "http")]
pub mod pool;
pub mod retry;
mod semantics;
#[cfg(feature = "http")]
pub mod timeout;
pub mod upstream;

pub use error::{BoxError, Error, ErrorKind, find_cause};
pub use retry::NextUpstream;
pub use semantics::Semantics;
#[cfg(feature = "http")]
pub use upstream::config::{ConfigError, GroupConfig, Keepalive, Proxy, RequestBuffering, Server};
#[cfg(feature = "http")]
pub use upstream::{
    Attempt, Builder, Group, PeerSnapshot, ResponseBody, ResponseFuture, Trail, Upstream,
};
