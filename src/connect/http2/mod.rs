//! HTTP/2 connections: shared by many requests, or one request's at a time.

mod alone;
mod shared;
mod tasks;

/// Bytes that a head or trailers may have, which is told to the server. Beyond that h2 leaves out what
/// is too much of trailers, and says nothing; heads have limits of their own before they come to this.
const MOST_HEADERS: u32 = 1 << 20;

pub(crate) use alone::connect as connect_alone;
pub(super) use shared::Stream;
pub(crate) use shared::{Rules, Shared, connect};
pub(super) use tasks::Ending;
