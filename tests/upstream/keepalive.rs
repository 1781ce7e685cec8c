//! KA: which connections serve again.

use std::time::Duration;

use tower_upstream::{RequestBuffering, Semantics};

use crate::body::{nothing, put};
use crate::peer::{
    OK, answering, fetch, fetch_as, get, peer, refusing, standing, statuses, until, upstream,
};

#[tokio::test]
async fn a_connection_serves_again() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| b.keepalive(4));
    for _ in 0..3 {
        assert_eq!(fetch(&upstream).await.unwrap(), (200, "ok".into()));
        assert_eq!(upstream.group().idle_connections(), 1);
    }
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn without_keepalive_none_is_kept() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| b);
    for _ in 0..2 {
        fetch(&upstream).await.unwrap();
    }
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn a_list_of_one_between_two_peers_never_serves() {
    let (a, b) = (answering(OK).await, answering(OK).await);
    let upstream = upstream([a.server(), b.server()], |b| b.keepalive(1));
    for _ in 0..6 {
        fetch(&upstream).await.unwrap();
    }
    assert_eq!((a.accepted(), b.accepted()), (3, 3));
    assert_eq!(upstream.group().idle_connections(), 1);
}

#[tokio::test]
async fn a_connection_serves_keepalive_requests_and_no_more() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| b.keepalive(4).keepalive_requests(2));
    for _ in 0..6 {
        fetch(&upstream).await.unwrap();
    }
    assert_eq!(peer.accepted(), 3);
}

#[tokio::test]
async fn an_old_connection_is_not_kept_again() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| {
        b.keepalive(4).keepalive_time(Duration::ZERO)
    });
    for _ in 0..2 {
        fetch(&upstream).await.unwrap();
    }
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_keepalive_timeout() {
    let peer = answering(OK).await;
    let limit = Duration::from_millis(100);
    let upstream = upstream([peer.server()], |b| b.keepalive(4).keepalive_timeout(limit));
    fetch(&upstream).await.unwrap();
    assert_eq!(upstream.group().idle_connections(), 1);
    let kept = tokio::time::Instant::now();
    until(|| upstream.group().idle_connections() == 0).await;
    assert!(
        kept.elapsed() >= limit / 2,
        "closed after {:?}",
        kept.elapsed()
    );
}

#[tokio::test]
async fn a_reply_that_does_not_allow_it_is_not_kept() {
    for reply in [
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Disclosed\r\n\r\nok",
    ] {
        let peer = answering(reply).await;
        let upstream = upstream([peer.server()], |b| b.keepalive(4));
        for _ in 0..2 {
            assert_eq!(fetch(&upstream).await.unwrap().1, "ok");
        }
        assert_eq!(peer.accepted(), 2, "{reply}");
        assert_eq!(upstream.group().idle_connections(), 0, "{reply}");
    }
}

#[tokio::test]
async fn replies_without_a_body_are_kept() {
    for reply in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let peer = answering(reply).await;
        let upstream = upstream([peer.server()], |b| b.keepalive(4));
        for _ in 0..3 {
            fetch(&upstream).await.unwrap();
        }
        assert_eq!(peer.accepted(), 1, "{reply}");
    }
}

#[tokio::test]
async fn head_replies_are_kept() {
    let peer = answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n").await;
    let upstream = upstream([peer.server()], |b| b.keepalive(4));
    for _ in 0..2 {
        let mut head = get("/");
        *head.method_mut() = http::Method::HEAD;
        assert_eq!(
            fetch_as(&upstream, head).await.unwrap(),
            (200, String::new())
        );
    }
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_closed_idle_connection_is_dropped_at_once_and_costs_nothing() {
    // Answers one request, then closes; or sends a stray byte (KA-7).
    for stray in ["", "x"] {
        let peer = peer(move |_, mut stream| async move {
            stream.request().await;
            stream.write(OK).await;
            stream.write(stray).await;
            if !stray.is_empty() {
                stream.closed().await;
            }
        })
        .await;
        let upstream = upstream([peer.server()], |b| b.keepalive(4));
        for n in 1..4 {
            assert_eq!(fetch(&upstream).await.unwrap(), (200, "ok".into()));
            until(|| upstream.group().idle_connections() == 0).await;
            assert_eq!(peer.accepted(), n);
        }
    }
}

/// Answers one request per connection, and closes after reading the second.
async fn stale() -> crate::peer::Peer {
    peer(|_, mut stream| async move {
        stream.request().await;
        stream.write(OK).await;
        stream.request().await;
    })
    .await
}

#[tokio::test]
async fn w9_a_stale_connection_of_a_lone_peer_is_replaced() {
    let peer = stale().await;
    let upstream = upstream([peer.server()], |b| b.keepalive(4).next_upstream_tries(1));
    assert_eq!(statuses(&upstream, get("/")).await, [Some(200)]);
    for _ in 0..3 {
        assert_eq!(statuses(&upstream, get("/")).await, [Some(502), Some(200)]);
    }
    let post = http::Request::post("/").body(String::from("once")).unwrap();
    assert_eq!(statuses(&upstream, post).await, [Some(502)], "KA-10");
}

#[tokio::test]
async fn w9_two_stale_peers_are_both_banned_only_in_nginx() {
    for (semantics, second, fails) in [
        (Semantics::Nginx, vec![Some(502); 3], vec![(1, 0), (1, 0)]),
        (
            Semantics::Strict,
            vec![Some(502), Some(200)],
            vec![(0, 0), (0, 0)],
        ),
    ] {
        let (a, b) = (stale().await, stale().await);
        let upstream = upstream([a.server(), b.server()], |b| {
            b.keepalive(4).semantics(semantics)
        });
        for _ in 0..2 {
            assert_eq!(statuses(&upstream, get("/")).await, [Some(200)]);
        }
        assert_eq!(statuses(&upstream, get("/")).await, second, "{semantics:?}");
        assert_eq!(standing(&upstream), fails, "{semantics:?}");
    }
}

#[tokio::test]
async fn a_404_that_moved_on_keeps_its_connection_and_a_500_does_not() {
    let not_found = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let ok = answering(OK).await;
    let listed = tower_upstream::NextUpstream::HTTP_404 | tower_upstream::NextUpstream::HTTP_500;
    let one = upstream([not_found.server(), ok.server()], |b| {
        b.keepalive(4).next_upstream(listed)
    });
    for _ in 0..4 {
        assert_eq!(fetch(&one).await.unwrap().0, 200);
    }
    assert_eq!((not_found.accepted(), ok.accepted()), (1, 1));

    let broken = answering("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n").await;
    let never = |server: tower_upstream::Server| server.max_fails(0);
    let two = upstream([never(broken.server()), ok.server()], |b| {
        b.keepalive(4).next_upstream(listed)
    });
    for _ in 0..4 {
        assert_eq!(fetch(&two).await.unwrap().0, 200);
    }
    assert_eq!(
        broken.accepted(),
        2,
        "one connection each of the attempts it got"
    );
}

#[tokio::test]
async fn in_strict_a_stale_connection_counts_for_nothing_even_under_a_post() {
    let (a, b) = (stale().await, answering(OK).await);
    let upstream = upstream([a.server(), b.server()], |b| {
        b.keepalive(4).semantics(Semantics::Strict)
    });
    for _ in 0..2 {
        assert_eq!(statuses(&upstream, get("/")).await, [Some(200)]);
    }
    let post = http::Request::post("/").body(String::from("once")).unwrap();
    assert_eq!(statuses(&upstream, post).await, [Some(502)]);
    assert_eq!(standing(&upstream), [(0, 0), (0, 0)]);
}

#[tokio::test]
async fn an_address_on_two_lines_shares_its_connections() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server(), peer.server()], |b| b.keepalive(4));
    for _ in 0..4 {
        fetch(&upstream).await.unwrap();
    }
    assert_eq!(peer.accepted(), 1, "KA-1");
}

#[tokio::test]
async fn a_body_that_turned_out_empty_leaves_its_connection_usable() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| {
        b.keepalive(4)
            .request_buffering(RequestBuffering::On { max: 100 })
    });
    for _ in 0..3 {
        fetch_as(&upstream, put(nothing())).await.unwrap();
    }
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_404_that_moved_on_to_nobody_keeps_its_connection_too() {
    let not_found = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let listed = tower_upstream::NextUpstream::ERROR | tower_upstream::NextUpstream::HTTP_404;
    let upstream = upstream([refusing().await, not_found.server()], |b| {
        b.keepalive(4).next_upstream(listed)
    });
    // The first bans the peer that refuses; from then on the 404 moves on to nobody.
    assert_eq!(statuses(&upstream, get("/")).await, [Some(502), Some(404)]);
    for _ in 0..3 {
        assert_eq!(statuses(&upstream, get("/")).await, [Some(404), Some(502)]);
    }
    assert_eq!(not_found.accepted(), 1);
}
