//! How often requests may come: NGINX's traces on a hand-moved clock, the layer on Tokio's paused one.

mod deadlines;
mod fields;
mod http;
mod layer;
mod properties;
mod stores;
mod traces;
mod world;
mod zones;

use std::time::Duration;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
