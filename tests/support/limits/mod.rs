//! `limit_req` and `limit_conn` scenarios: arrivals to the millisecond, and the rule that says what
//! comes of them.

mod drive;
mod generate;
mod read;
mod rule;

pub(crate) use drive::{breach, disturbed, drive, seen};
pub(crate) use generate::scenario;

/// Requests may be late by so many milliseconds, and no decision may change by that.
const JITTER: u64 = 30;
