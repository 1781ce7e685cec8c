use std::time::Duration;

use tokio::task::JoinSet;
use tower_upstream::{Http2, Semantics};

use crate::server::{fetch, server, upstream};

/// What is under way is answered, what comes after goes over a new connection, and what the peer
/// says it did not take is sent again. NGINX takes that for an invalid header (GR-4).
#[tokio::test]
async fn a_peer_that_says_goodbye_fails_nobody() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Strict, Http2::default());
    let mut running = JoinSet::new();
    for n in 0..200 {
        let upstream = upstream.clone();
        running.spawn(async move {
            tokio::time::sleep(Duration::from_millis(n)).await;
            fetch(&upstream, 20, "").await.0
        });
        if n == 100 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            h2.say_goodbye();
        }
    }
    let statuses = running.join_all().await;
    let failed = statuses.iter().filter(|status| **status != 200).count();
    assert_eq!(failed, 0, "{statuses:?}");
    assert!(h2.accepted() >= 2);
}
