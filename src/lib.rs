//! The resilience of an NGINX gateway, inside your process.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod balance;
pub mod breaker;
pub mod classify;
mod clock;
#[cfg(feature = "nginx")]
pub mod nginx;
pub mod retry;
mod semantics;
pub mod upstream;

pub use retry::NextUpstream;
pub use semantics::Semantics;
