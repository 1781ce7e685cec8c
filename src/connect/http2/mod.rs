//! HTTP/2 connections: shared by many requests, or one request's at a time.

mod alone;
mod shared;
mod tasks;

pub(crate) use alone::connect as connect_alone;
pub(super) use shared::Stream;
pub(crate) use shared::{Rules, Shared, connect};
pub(super) use tasks::Ending;
