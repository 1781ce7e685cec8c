//! The methods: which of the peers that may be chosen is.

pub(super) mod by_load;
pub(super) mod by_time;
mod cycle;
pub(super) mod draw;
pub(super) mod ring;
pub(super) mod round_robin;

pub(super) use cycle::Cycle;
