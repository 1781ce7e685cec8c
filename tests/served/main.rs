//! The layers in real servers, axum's and tonic's, over loopback: one account for all routes, connections
//! and clones; answers that clients understand; places that come back.

mod axum;
mod hyper;
mod orders;
#[path = "../../examples/grpc/text.rs"]
mod text;
mod tonic;

use std::time::Duration;

/// Waits, within reason, until something is so.
async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}
