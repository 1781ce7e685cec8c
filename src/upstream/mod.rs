//! The finished client service.

#[cfg(feature = "http")]
mod body;
#[cfg(feature = "http")]
mod builder;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
pub mod config;
mod engine;
#[cfg(feature = "http")]
mod exchange;
mod future;
#[cfg(feature = "http")]
mod group;
#[cfg(feature = "http")]
mod http;
mod rules;
#[cfg(feature = "http")]
mod trail;

#[cfg(feature = "http")]
pub use body::ResponseBody;
#[cfg(feature = "http")]
pub use builder::Builder;
#[cfg(feature = "http")]
pub use client::{ResponseFuture, Upstream};
pub use engine::{Endpoint, Engine};
pub use future::ResponseFuture as EngineFuture;
#[cfg(feature = "http")]
pub use group::{Group, PeerSnapshot};
pub use rules::{Plain, Rules};
#[cfg(feature = "http")]
pub use trail::{Attempt, Trail};
