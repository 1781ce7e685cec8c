//! A second attempt beside one that waits: the first answer wins, the other connection is let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tower_upstream::{
    Group, GroupConfig, Hedge, Proxy, RequestBuffering, Semantics, Trail, Upstream,
};

use crate::peer::{OK, Peer, peer, until};

/// Answers at once, but for `/slow`: that it never answers if it is `stuck`.
async fn backend(stuck: bool, closed: &Arc<AtomicUsize>, bodies: &Arc<AtomicUsize>) -> Peer {
    let (closed, bodies) = (Arc::clone(closed), Arc::clone(bodies));
    peer(move |_, mut stream| {
        let (closed, bodies) = (Arc::clone(&closed), Arc::clone(&bodies));
        async move {
            while let Some(request) = stream.request().await {
                bodies.fetch_add(usize::from(request.ends_with("all of it")), SeqCst);
                if stuck && request.contains("/slow") {
                    stream.closed().await;
                    closed.fetch_add(1, SeqCst);
                    return;
                }
                stream.write(OK).await;
            }
        }
    })
    .await
}

struct Pair {
    upstream: Upstream,
    /// Connections of the stuck server that were closed on it.
    closed: Arc<AtomicUsize>,
    /// Requests that came with the whole body.
    bodies: Arc<AtomicUsize>,
    _peers: [Peer; 2],
}

async fn pair(semantics: Semantics, hedge: Option<Hedge>) -> Pair {
    let (closed, bodies) = (Arc::default(), Arc::default());
    let stuck = backend(true, &closed, &bodies).await;
    let well = backend(false, &closed, &bodies).await;
    let mut config = GroupConfig::new("pair");
    config.servers = vec![stuck.server(), well.server()];
    config.semantics = semantics;
    config.keepalive.connections = 8;
    let proxy = Proxy {
        hedge,
        read_timeout: Duration::from_secs(20),
        request_buffering: RequestBuffering::On { max: 1 << 20 },
        ..Proxy::default()
    };
    let pair = Pair {
        upstream: Upstream::new(Group::new(config).unwrap(), proxy),
        closed,
        bodies,
        _peers: [stuck, well],
    };
    // What is usual has to be known first; the stuck server's turn comes next.
    for _ in 0..40 {
        assert_eq!(pair.send("GET", "/", "").await.0, 200);
    }
    pair
}

impl Pair {
    /// Status, and the attempts made.
    async fn send(&self, method: &str, path: &str, body: &'static str) -> (u16, Trail) {
        let trail = Trail::new();
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .extension(trail.clone())
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .unwrap();
        let reply = self.upstream.send(request).await.unwrap();
        let status = reply.status().as_u16();
        reply.into_body().collect().await.unwrap();
        (status, trail)
    }

    fn in_flight(&self) -> Vec<u32> {
        let peers = self.upstream.group().snapshot();
        peers.iter().map(|peer| peer.state.in_flight).collect()
    }
}

fn hedge() -> Option<Hedge> {
    Some(Hedge {
        at_least: Duration::from_millis(20),
        ..Hedge::default()
    })
}

#[tokio::test]
async fn the_first_answer_wins_and_the_other_connection_is_closed() {
    // By the hedge's delay, or because the server is silent while the other is not.
    for (semantics, hedge) in [(Semantics::Nginx, hedge()), (Semantics::Strict, None)] {
        let pair = pair(semantics, hedge).await;
        let (status, trail) = pair.send("GET", "/slow", "").await;
        assert_eq!(status, 200);
        let statuses: Vec<_> = trail.attempts().iter().map(|a| a.status).collect();
        assert_eq!(statuses, [None, Some(200)], "{semantics:?}");
        until(|| pair.closed.load(SeqCst) == 1).await;
        assert_eq!(pair.in_flight(), [0, 0]);
        let peers = pair.upstream.group().snapshot();
        assert!(
            peers.iter().all(|peer| peer.state.fails == 0),
            "losers do not count"
        );
    }
}

#[tokio::test]
async fn both_get_the_whole_body_of_what_may_be_sent_twice() {
    let pair = pair(Semantics::Nginx, hedge()).await;
    let (status, trail) = pair.send("PUT", "/slow", "all of it").await;
    assert_eq!((status, trail.attempts().len()), (200, 2));
    until(|| pair.bodies.load(SeqCst) == 2).await;
}

#[tokio::test]
async fn a_post_waits_for_its_own_answer() {
    for (semantics, hedge) in [(Semantics::Nginx, hedge()), (Semantics::Strict, None)] {
        let pair = pair(semantics, hedge).await;
        let sent = pair.send("POST", "/slow", "all of it");
        let waited = tokio::time::timeout(Duration::from_millis(600), sent).await;
        assert!(waited.is_err(), "nobody may answer it");
        assert_eq!(pair.bodies.load(SeqCst), 1);
        until(|| pair.in_flight() == [0, 0]).await;
    }
}
