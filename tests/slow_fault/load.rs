//! Callers that come at a steady rate, whatever comes of those before them.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tower_upstream::Upstream;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    /// Took longer than a second.
    pub(crate) stalled: usize,
}

pub(crate) async fn load(through: Upstream, per_second: u32, lasting: Duration) -> Seen {
    let mut running = JoinSet::new();
    let begin = Instant::now();
    let gap = Duration::from_secs(1) / per_second;
    for number in 0..u32::MAX {
        let due = begin + gap * number;
        if due >= begin + lasting {
            break;
        }
        sleep_until(due).await;
        let through = through.clone();
        running.spawn(async move {
            let request = http::Request::get("/").body(Empty::<Bytes>::new());
            let reply = through.send(request.expect("a request")).await;
            let answered = match reply {
                Ok(reply) => reply.status() == 200 && reply.into_body().collect().await.is_ok(),
                Err(_) => false,
            };
            // Late is late from when it was to be sent.
            (answered, due.elapsed())
        });
    }
    let mut seen = Seen::default();
    while let Some(done) = running.join_next().await {
        let (answered, took) = done.expect("no panic");
        seen.requests += 1;
        seen.failed += usize::from(!answered);
        seen.stalled += usize::from(took > Duration::from_secs(1));
    }
    seen
}
