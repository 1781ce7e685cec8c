//! The finished client service.

pub mod config;
mod trail;

pub use trail::{Attempt, Trail};
