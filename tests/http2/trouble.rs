use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::{Empty, StreamBody};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower_upstream::{
    ErrorKind, Group, GroupConfig, Http2, Proxy, RequestBuffering, Semantics, Server, Upstream,
};

use crate::server::{fetch, server, until, upstream};

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

/// Whoever comes after the goodbye finds that out, and takes nobody's connection away.
#[tokio::test]
async fn a_goodbye_leaves_what_is_under_way_alone() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    assert_eq!(fetch(&upstream, 0, "").await.0, 200);
    let long = tokio::spawn({
        let upstream = upstream.clone();
        async move { fetch(&upstream, 400, "not twice").await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    h2.say_goodbye();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        assert_eq!(fetch(&upstream, 0, "").await.0, 200);
    }
    assert_eq!(h2.accepted(), 2);
    assert_eq!(long.await.unwrap().1, "HTTP/2.0 orders/a 9");
}

/// What HTTP/2 cannot say is the caller's mistake: no peer is asked, and none is blamed.
#[tokio::test]
async fn a_host_that_is_none_is_refused() {
    let h2 = server(100).await;
    let upstream = upstream(&[&h2], Semantics::Nginx, Http2::default());
    assert_eq!(fetch(&upstream, 0, "").await.0, 200);
    for host in ["a b", "", "[", "a:b:c"] {
        let request = http::Request::get("/a").header("host", host);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let error = upstream.send(request).await.map(drop).unwrap_err();
        let asked = (error.kind(), error.attempts());
        assert_eq!(asked, (ErrorKind::InvalidRequest, 0), "{host:?}");
    }
}

/// Refuses two requests: the first at once, the next when some of its body has come.
async fn refusing(some: mpsc::Sender<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for reads in [false, true] {
            let (stream, _) = listener.accept().await.unwrap();
            let mut server = h2::server::handshake(stream).await.unwrap();
            let (request, mut refuse) = server.accept().await.unwrap().unwrap();
            let mut body = request.into_body();
            tokio::spawn(async move { while server.accept().await.is_some() {} });
            if reads {
                some.try_send(()).unwrap();
                let mut read = 0;
                while read < 8 {
                    read += body.data().await.unwrap().unwrap().len();
                }
            }
            refuse.send_reset(h2::Reason::REFUSED_STREAM);
        }
    });
    address
}

/// What a refused stream has taken of a body may be more than is remembered. Though nobody has looked at
/// the request, the next peer cannot have it.
#[tokio::test]
async fn a_body_that_a_refused_stream_took_is_not_sent_short() {
    let (wanted, wants) = mpsc::channel(1);
    let refuses = refusing(wanted).await;
    let other = server(100).await;
    let mut config = GroupConfig::new("orders");
    let servers = [refuses, other.address].map(|at| Server::new(at.to_string()));
    config.servers = servers.to_vec();
    config.semantics = Semantics::Strict;
    let proxy = Proxy {
        http2: Some(Http2::default()),
        request_buffering: RequestBuffering::Replay { limit: 4 },
        ..Proxy::default()
    };
    let upstream = Upstream::new(Group::new(config).unwrap(), proxy);
    let pieces = futures_util::stream::unfold((0, wants), |(sent, mut wants)| async move {
        if sent == 0 {
            wants.recv().await?;
        }
        let piece = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"abcd")));
        (sent < 3).then_some((piece, (sent + 1, wants)))
    });
    let request = http::Request::post("/a")
        .body(StreamBody::new(pieces))
        .unwrap();
    let error = upstream.send(request).await.map(drop).unwrap_err();
    assert_eq!((error.attempts(), other.accepted()), (2, 0));
}

/// Requests that wait for the peer to make room are not sent, and are nobody's mistake.
#[tokio::test]
async fn a_goodbye_sends_who_waits_for_a_stream_elsewhere() {
    let h2 = server(1).await;
    let upstream = upstream(&[&h2], Semantics::Strict, Http2::default());
    let mut running = JoinSet::new();
    for _ in 0..5 {
        let upstream = upstream.clone();
        running.spawn(async move { fetch(&upstream, 200, "not twice").await });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(h2.accepted(), 1, "nobody knew how few streams there are");
    h2.say_goodbye();
    for (status, text) in running.join_all().await {
        assert_eq!((status, text.as_str()), (200, "HTTP/2.0 orders/a 9"));
    }
}

/// It is told from a connection that ended, though hyper says the same of both.
#[tokio::test]
async fn a_body_that_panics_is_the_caller_s_own() {
    let (h2, other) = (server(100).await, server(100).await);
    let upstream = upstream(&[&h2, &other], Semantics::Strict, Http2::default());
    let pieces = futures_util::stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        panic!("a caller's");
    });
    let body = StreamBody::new(pieces.map(Ok::<Frame<Bytes>, Infallible>));
    let request = http::Request::post("/a").body(body).unwrap();
    let error = upstream.send(request).await.map(drop).unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::RequestBody, 1)
    );
    let peers = upstream.group().snapshot();
    assert_eq!((peers[0].state.fails, peers[1].state.fails), (0, 0));
}

/// Waiting for the peer to allow one more stream is waiting to send.
#[tokio::test]
async fn a_request_that_gets_no_stream_is_not_waited_for_without_end() {
    let h2 = server(1).await;
    let mut config = GroupConfig::new("orders");
    config.servers = vec![Server::new(h2.address.to_string())];
    let proxy = Proxy {
        http2: Some(Http2::default()),
        send_timeout: Duration::from_millis(200),
        ..Proxy::default()
    };
    let upstream = Upstream::new(Group::new(config).unwrap(), proxy);
    let long = tokio::spawn({
        let upstream = upstream.clone();
        async move { fetch(&upstream, 1000, "first").await }
    });
    until(|| h2.accepted() == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Before the first answer nobody knows that there is no second stream.
    let (status, text) = fetch(&upstream, 0, "second").await;
    assert_eq!(status, 504, "{text}");
    assert_eq!(long.await.unwrap().1, "HTTP/2.0 orders/a 5");
    assert_eq!(h2.accepted(), 1);
}
