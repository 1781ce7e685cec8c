//! How many are served at once, in front of services of any kind.

mod drops;
mod dry_run;
mod http;
mod layer;
mod learning;
mod routers;
mod waiting;
mod world;

use std::time::Duration;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
