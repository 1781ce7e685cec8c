//! How many are served at once, in front of services of any kind.

mod drops;
#[cfg(feature = "http")]
mod http;
mod layer;
mod learning;
#[cfg(feature = "http")]
mod routers;
mod waiting;
mod world;

use std::time::Duration;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
