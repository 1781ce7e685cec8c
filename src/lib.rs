//! The resilience of an NGINX gateway, inside your process.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod classify;
pub mod retry;
pub mod upstream;

pub use retry::NextUpstream;
