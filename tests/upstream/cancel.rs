//! Callers that give up: every slot, probe and connection comes back, and no task stays.

use std::time::Duration;

use http_body_util::BodyExt;
use tokio::time::{sleep, timeout};
use tower_upstream::{Semantics, Trail};

use crate::peer::{OK, answering, fetch, get, peer, standing, until, upstream};

#[tokio::test]
async fn a_thousand_callers_drop_their_requests_at_random_moments() {
    // Slow to accept the request, slow to answer, slow within the body: a caller may leave anywhere.
    let slow = || {
        peer(|_, mut stream| async move {
            while stream.request().await.is_some() {
                sleep(Duration::from_millis(fastrand::u64(0..4))).await;
                stream
                    .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok")
                    .await;
                sleep(Duration::from_millis(fastrand::u64(0..4))).await;
                stream.write("ok").await;
            }
        })
    };
    for semantics in [Semantics::Nginx, Semantics::Strict] {
        let (a, b) = (slow().await, slow().await);
        let tasks_before = tasks();
        let upstream = upstream([a.server(), b.server()], |b| {
            b.keepalive(8).semantics(semantics)
        });
        let mut callers = tokio::task::JoinSet::new();
        for n in 0..1000 {
            let upstream = upstream.clone();
            callers.spawn(async move {
                sleep(Duration::from_millis(fastrand::u64(0..100))).await;
                // However busy the machine: some leave at once, and some stay.
                let patience = match n % 10 {
                    0 => Duration::ZERO,
                    1 => Duration::from_secs(30),
                    _ => Duration::from_micros(fastrand::u64(0..12_000)),
                };
                timeout(patience, async {
                    let reply = upstream.send(get("/")).await.unwrap();
                    reply.into_body().collect().await.unwrap();
                })
                .await
                .is_ok()
            });
        }
        let served = callers
            .join_all()
            .await
            .into_iter()
            .filter(|served| *served)
            .count();
        assert!(
            (100..=900).contains(&served),
            "{served} of 1000 were served"
        );
        assert_eq!(standing(&upstream), [(0, 0), (0, 0)], "{semantics:?}");
        assert!(upstream.group().idle_connections() <= 8);
        assert_eq!(fetch(&upstream).await.unwrap(), (200, "okok".into()));

        drop(upstream);
        // The peers' own tasks end when their connections do.
        until(|| tasks() <= tasks_before).await;
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

#[tokio::test]
async fn a_dropped_body_closes_its_connection() {
    let peer = peer(|_, mut stream| async move {
        stream.request().await;
        stream
            .write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            .await;
        stream.closed().await;
    })
    .await;
    let upstream = upstream([peer.server()], |b| b.keepalive(4));
    let reply = upstream.send(get("/")).await.unwrap();
    assert_eq!(standing(&upstream), [(0, 1)]);
    drop(reply);
    assert_eq!(standing(&upstream), [(0, 0)]);
    assert_eq!(upstream.group().idle_connections(), 0);
}

#[tokio::test]
async fn a_trail_is_complete_when_its_caller_gave_up() {
    let silent = crate::peer::silent().await;
    let upstream = upstream([silent.server()], |b| b);
    let trail = Trail::new();
    let mut request = get("/");
    request.extensions_mut().insert(trail.clone());
    assert!(
        timeout(Duration::from_millis(50), upstream.send(request))
            .await
            .is_err()
    );
    let attempts = trail.attempts();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].status, None);
    assert!(attempts[0].response_time.is_some());
    assert!(attempts[0].bytes_sent > 0);
}

#[tokio::test]
async fn w8_over_sockets_an_abandoned_probe_revives_a_peer_only_in_nginx() {
    for (semantics, fails) in [(Semantics::Nginx, 0), (Semantics::Strict, 1)] {
        // Closes the first connection, hangs on the rest.
        let a = peer(|number, mut stream| async move {
            stream.request().await;
            if number > 0 {
                stream.closed().await;
            }
        })
        .await;
        let b = answering(OK).await;
        let a_server = a.server().fail_timeout(Duration::ZERO);
        let upstream = upstream([a_server, b.server()], |b| b.semantics(semantics));
        assert_eq!(fetch(&upstream).await.unwrap().0, 200);
        assert_eq!(standing(&upstream)[0], (1, 0));
        // Banned until the second is over; then some request is the probe, and hangs.
        for _ in 0..200 {
            let _ = timeout(Duration::from_millis(200), fetch(&upstream)).await;
            if a.accepted() == 2 {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(a.accepted(), 2, "it was probed");
        assert_eq!(standing(&upstream)[0], (fails, 0), "{semantics:?}");
    }
}
