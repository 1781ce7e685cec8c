//! RS: what of a peer's answer reaches the caller, and what counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_upstream::{ErrorKind, NextUpstream, Semantics, Server, Trail};

use crate::peer::{
    OK, answering, fetch, fetch_as, get, peer, refusing, standing, statuses, upstream,
};

#[tokio::test]
async fn w12_what_a_peer_sends_and_closes_after() {
    let too_big: &'static str = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n",
        "x".repeat(20_000)
    )
    .leak();
    for (sent, kind) in [
        ("", ErrorKind::Error),
        ("HTTP/1.1 200 OK\r\nX-Par", ErrorKind::Error),
        (
            "HTTP/1.1 200 OK\r\nX-\0: 1\r\n\r\n",
            ErrorKind::InvalidHeader,
        ),
        (too_big, ErrorKind::InvalidHeader),
        // NGINX takes this for HTTP/0.9 and passes it on; here it is refused.
        ("garbage\r\n\r\n", ErrorKind::InvalidHeader),
    ] {
        let broken = || {
            peer(move |_, mut stream| async move {
                stream.request().await;
                stream.write(sent).await;
            })
        };
        let (a, b) = (broken().await, answering(OK).await);
        let off = upstream([a.server(), b.server()], |b| {
            b.next_upstream(NextUpstream::OFF)
        });
        let error = fetch(&off).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.status().as_u16()),
            (kind, 502),
            "{sent:.40}"
        );
        assert_eq!(
            standing(&off),
            [(1, 0), (0, 0)],
            "counted whether listed or not"
        );

        let listed = NextUpstream::ERROR | NextUpstream::INVALID_HEADER;
        let on = upstream([a.server(), b.server()], |b| b.next_upstream(listed));
        assert_eq!(statuses(&on, get("/")).await, [Some(502), Some(200)]);
    }
}

#[tokio::test]
async fn a_reset_counts_and_moves_on() {
    let reset = peer(|_, mut stream| async move {
        stream.request().await;
        stream.reset();
    })
    .await;
    let ok = answering(OK).await;
    let upstream = upstream([reset.server(), ok.server()], |b| b);
    assert_eq!(statuses(&upstream, get("/")).await, [Some(502), Some(200)]);
    assert_eq!(standing(&upstream), [(1, 0), (0, 0)]);
}

#[tokio::test]
async fn a_header_of_exactly_the_buffer_passes() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    let fill = 4096 - head.len() - 4;
    for (extra, passes) in [(0, true), (1, false)] {
        let reply: &'static str = format!("{head}{}\r\n\r\n", "x".repeat(fill + extra)).leak();
        assert_eq!(reply.len(), 4096 + extra);
        let peer = answering(reply).await;
        let upstream = upstream([peer.server()], |b| b);
        assert_eq!(fetch(&upstream).await.is_ok(), passes);
    }
}

#[tokio::test]
async fn a_response_cut_short_is_broken_and_counts_in_strict_alone() {
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ] {
        for (semantics, fails) in [(Semantics::Nginx, 0), (Semantics::Strict, 1)] {
            let a = peer(move |_, mut stream| async move {
                stream.request().await;
                stream.write(cut).await;
            })
            .await;
            let b = answering(OK).await;
            let upstream = upstream([a.server(), b.server()], |b| b.semantics(semantics));
            let (status, body) = fetch(&upstream).await.unwrap();
            assert!(status == 200 && body.starts_with("cut: "), "{body}");
            assert_eq!(
                standing(&upstream),
                [(fails, 0), (0, 0)],
                "{semantics:?} {cut}"
            );
        }
    }
}

#[tokio::test]
async fn peers_that_end_by_closing_or_with_bare_line_feeds_are_served() {
    for reply in [
        "HTTP/1.1 200 OK\r\n\r\nok",
        "HTTP/1.0 200 OK\r\n\r\nok",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    ] {
        let peer = peer(move |_, mut stream| async move {
            stream.request().await;
            stream.write(reply).await;
        })
        .await;
        let upstream = upstream([peer.server()], |b| b.keepalive(4));
        assert_eq!(
            fetch(&upstream).await.unwrap(),
            (200, "ok".into()),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn w6_the_last_status_is_passed_on_with_its_body() {
    let (a, b) = (
        answering("HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\na").await,
        answering("HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nb").await,
    );
    let listed = NextUpstream::ERROR | NextUpstream::HTTP_500;
    let upstream = upstream([a.server(), b.server()], |b| b.next_upstream(listed));
    assert_eq!(fetch(&upstream).await.unwrap(), (500, "b".into()));
    assert_eq!(statuses(&upstream, get("/")).await, [Some(500), Some(502)]);
    assert_eq!(
        fetch(&upstream).await.unwrap_err().kind(),
        ErrorKind::NoLiveUpstreams
    );
}

#[tokio::test]
async fn an_error_names_the_last_peer_and_the_attempts_and_keeps_its_cause() {
    let (a, b) = (refusing().await, refusing().await);
    let last = b.address.clone();
    let upstream = upstream([a, b], |b| b);
    let error = fetch(&upstream).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Error);
    assert_eq!((error.peer(), error.attempts()), (Some(last.as_str()), 2));
    let cause = tower_upstream::find_cause::<std::io::Error>(&error).unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn host_and_request_line_follow_from_the_uri() {
    let echo = peer(|_, mut stream| async move {
        while let Some(request) = stream.request().await {
            let length = request.len();
            stream
                .write(&format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
                ))
                .await;
            stream.write(&request).await;
        }
    })
    .await;
    let upstream = upstream([echo.server()], |b| b.name("orders"));
    for (uri, line, host) in [
        ("/a?b=1", "GET /a?b=1 HTTP/1.1", "host: orders"),
        (
            "http://api.example.no/a",
            "GET /a HTTP/1.1",
            "host: api.example.no",
        ),
        (
            "http://api.example.no",
            "GET / HTTP/1.1",
            "host: api.example.no",
        ),
    ] {
        let seen = fetch_as(&upstream, get(uri)).await.unwrap().1;
        assert!(seen.starts_with(line), "{seen}");
        assert!(seen.to_ascii_lowercase().contains(host), "{seen}");
    }
}

#[tokio::test]
async fn an_upgraded_connection_is_a_tunnel_that_holds_its_slot() {
    let echo = peer(|_, mut stream| async move {
        stream.request().await;
        stream
            .write(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n",
            )
            .await;
        let mut buffer = [0; 5];
        while stream.0.read_exact(&mut buffer).await.is_ok() {
            stream.0.write_all(&buffer).await.unwrap();
        }
    })
    .await;
    let upstream = upstream([echo.server()], |b| b.keepalive(4));
    let request = http::Request::get("/")
        .header("upgrade", "echo")
        .header("connection", "upgrade")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let mut reply = upstream.send(request).await.unwrap();
    assert_eq!(reply.status(), 101);
    let mut tunnel = hyper_util::rt::TokioIo::new(hyper::upgrade::on(&mut reply).await.unwrap());
    tunnel.write_all(b"hello").await.unwrap();
    let mut buffer = [0; 5];
    tunnel.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"hello");
    assert_eq!(standing(&upstream), [(0, 1)]);
    drop((tunnel, reply.into_body()));
    assert_eq!(standing(&upstream), [(0, 0)]);
}

#[tokio::test]
async fn response_trailers_reach_the_caller() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
                 2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n";
    let peer = answering(reply).await;
    let upstream = upstream([peer.server()], |b| b);
    let body = upstream
        .send(get("/"))
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "2");
}

/// A peer in a thread of its own that does not wait to be asked: says `words`, or closes.
fn forward(words: &'static str) -> (Server, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::new(listener.local_addr().unwrap().to_string());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            count.fetch_add(1, SeqCst);
            if !words.is_empty() {
                let _ = std::io::Write::write_all(&mut stream, words.as_bytes());
                open.push(stream);
            }
        }
    });
    (server, accepted)
}

#[tokio::test]
async fn a_peer_that_speaks_or_closes_unasked_is_asked_once() {
    // Something else keeps the runtime busy, so the peer is the faster one.
    let busy = tokio::spawn(async {
        loop {
            std::thread::sleep(Duration::from_millis(3));
            tokio::task::yield_now().await;
        }
    });
    let listed = NextUpstream::ERROR | NextUpstream::INVALID_HEADER;
    for words in ["220 ready\r\n", ""] {
        let ((a, accepted), b) = (forward(words), answering(OK).await);
        let upstream = upstream([a, b.server()], |b| b.next_upstream(listed));
        assert_eq!(statuses(&upstream, get("/")).await, [Some(502), Some(200)]);
        assert_eq!(standing(&upstream), [(1, 0), (0, 0)], "{words:?}");
        assert_eq!(accepted.load(SeqCst), 1, "{words:?}");
    }
    busy.abort();
}

#[tokio::test]
async fn a_trail_says_when_a_status_that_was_passed_on_banned_its_peer() {
    let a = answering("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
    let b = answering(OK).await;
    let upstream = upstream([a.server(), b.server()], |b| {
        b.semantics(Semantics::Strict)
            .next_upstream(NextUpstream::HTTP_503)
            .next_upstream_tries(1)
    });
    let trail = Trail::new();
    let mut request = get("/");
    request.extensions_mut().insert(trail.clone());
    assert_eq!(fetch_as(&upstream, request).await.unwrap().0, 503);
    assert_eq!(standing(&upstream), [(1, 0), (0, 0)]);
    assert!(trail.attempts()[0].disabled);
}

#[tokio::test]
async fn a_tunnel_by_connect_is_refused_and_nobody_is_asked() {
    let peer = answering(OK).await;
    let upstream = upstream([peer.server()], |b| b.keepalive(4));
    let mut request = get("http://a.example:80/");
    *request.method_mut() = http::Method::CONNECT;
    let error = fetch_as(&upstream, request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::InvalidRequest, 0)
    );
    assert_eq!((peer.accepted(), standing(&upstream)), (0, vec![(0, 0)]));
}
