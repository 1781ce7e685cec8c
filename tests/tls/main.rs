//! TLS to servers: real handshakes with certificates made for the test.

#[allow(dead_code, reason = "the gateway's tests want more of it")]
mod certificates;
mod checks;
mod files;
mod server;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_upstream::connect::Tls;
use tower_upstream::{Group, GroupConfig, Http2, Proxy, Semantics, Server, Trail, Upstream};

use certificates::Authority;
use server::{Secure, server};

fn upstream(servers: &[String], http2: bool, tls: Tls) -> Upstream {
    let mut config = GroupConfig::new("orders.test");
    config.servers = servers.iter().map(Server::new).collect();
    config.keepalive.connections = 8;
    config.semantics = Semantics::Strict;
    let proxy = Proxy {
        http2: http2.then(Http2::default),
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        ..Proxy::default()
    };
    Upstream::over_tls(Group::new(config).unwrap(), proxy, tls)
}

/// What the server says of the connection, or why it was not reached.
async fn fetch(upstream: &Upstream) -> Result<String, String> {
    let trail = Trail::new();
    let request = http::Request::get("/").extension(trail.clone());
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    match upstream.send(request).await {
        Ok(reply) => {
            let body = reply.into_body().collect().await.unwrap().to_bytes();
            Ok(String::from_utf8(body.to_vec()).unwrap())
        }
        Err(_) => Err(trail.attempts()[0].failure.clone().unwrap_or_default()),
    }
}

fn at(secure: &Secure) -> Vec<String> {
    vec![secure.address.to_string()]
}

#[tokio::test]
async fn http1_and_http2_are_agreed_on() {
    let authority = Authority::new();
    let secure = server(authority.server(&["orders.test"])).await;
    for (http2, said) in [(false, "HTTP/1.1 http/1.1"), (true, "HTTP/2.0 h2")] {
        let tls = Tls::new(authority.client()).name("orders.test").unwrap();
        let upstream = upstream(&at(&secure), http2, tls);
        for _ in 0..3 {
            let answer = fetch(&upstream).await.unwrap();
            assert!(answer.starts_with(said), "{answer}");
            assert!(answer.contains("sni orders.test"), "{answer}");
        }
    }
    assert_eq!(secure.accepted(), 2, "connections were kept");
}

/// Without a name it is the host of the server's line.
#[tokio::test]
async fn the_name_is_the_server_s_own_by_default() {
    let authority = Authority::new();
    let secure = server(authority.server(&["localhost"])).await;
    let line = format!("localhost:{}", secure.address.port());
    let upstream = upstream(&[line], false, Tls::new(authority.client()));
    let answer = fetch(&upstream).await.unwrap();
    assert!(answer.contains("sni localhost"), "{answer}");
}

/// Two lines, one address: what was verified for one name is not used under the other.
#[tokio::test]
async fn a_connection_is_for_the_name_it_was_verified_for() {
    let authority = Authority::new();
    for http2 in [false, true] {
        let secure = server(authority.server(&["localhost"])).await;
        let lines = ["localhost", "127.0.0.1"].map(|h| format!("{h}:{}", secure.address.port()));
        let upstream = upstream(&lines, http2, Tls::new(authority.client()));
        for _ in 0..6 {
            let trail = Trail::new();
            let request = http::Request::get("/").extension(trail.clone());
            let request = request.body(Empty::<Bytes>::new()).unwrap();
            let reply = upstream.send(request).await.unwrap();
            reply.into_body().collect().await.unwrap();
        }
        let peers = upstream.group().snapshot();
        assert_eq!((peers[0].state.fails, peers[1].state.fails), (0, 1));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_another_authority_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let secure = server(ours.server(&["orders.test"])).await;
    for (client, name) in [
        (ours.client(), "other.test"),
        (theirs.client(), "orders.test"),
    ] {
        let tls = Tls::new(client).name(name).unwrap();
        let upstream = upstream(&at(&secure), false, tls);
        let why = fetch(&upstream).await.unwrap_err();
        assert!(why.contains("certificate"), "{why}");
    }
    assert!(Tls::new(ours.client()).name("no name").is_err());
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_passed_over() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let bad = server(theirs.server(&["orders.test"])).await;
    let good = server(ours.server(&["orders.test"])).await;
    let tls = Tls::new(ours.client()).name("orders.test").unwrap();
    let servers = [at(&bad), at(&good)].concat();
    let upstream = upstream(&servers, false, tls);
    for _ in 0..4 {
        assert!(fetch(&upstream).await.is_ok());
    }
    let peers = upstream.group().snapshot();
    assert_eq!((peers[0].state.fails, peers[1].state.fails), (1, 0));
}

#[tokio::test]
async fn the_client_shows_its_certificate() {
    let authority = Authority::new();
    let secure = server(authority.strict_server(&["orders.test"])).await;
    let name = |tls: Tls| tls.name("orders.test").unwrap();
    let known = upstream(
        &at(&secure),
        false,
        name(Tls::new(authority.known_client())),
    );
    assert!(fetch(&known).await.unwrap().contains("client yes"));
    let unknown = upstream(&at(&secure), false, name(Tls::new(authority.client())));
    assert!(fetch(&unknown).await.is_err());
}

#[tokio::test]
async fn sessions_are_resumed() {
    let authority = Authority::new();
    let secure = server(authority.server(&["orders.test"])).await;
    let tls = Tls::new(authority.client()).name("orders.test").unwrap();
    let first = upstream(&at(&secure), false, tls.clone());
    assert!(fetch(&first).await.unwrap().contains("full"));
    // Another list of connections, the same client.
    let second = upstream(&at(&secure), false, tls);
    assert!(fetch(&second).await.unwrap().contains("resumed"));
}

/// Idle connections go to clones of the client they were made by, and to nobody else.
#[tokio::test]
async fn clones_share_idle_connections_and_nobody_else_does() {
    let authority = Authority::new();
    let secure = server(authority.server(&["orders.test"])).await;
    let mut config = GroupConfig::new("orders.test");
    config.servers = vec![Server::new(secure.address.to_string())];
    config.keepalive.connections = 8;
    let group = Group::new(config).unwrap();
    let tls = || Tls::new(authority.client()).name("orders.test").unwrap();
    let (ours, theirs) = (tls(), tls());
    let over = |tls: &Tls| Upstream::over_tls(group.clone(), Proxy::default(), tls.clone());
    let first = over(&ours);
    for (upstream, connections) in [(&first, 1), (&over(&ours), 1), (&over(&theirs), 2)] {
        fetch(upstream).await.unwrap();
        assert_eq!(secure.accepted(), connections);
    }
    // Without TLS there is none to be had, and one under TLS is not taken for it.
    assert!(
        fetch(&Upstream::new(group, Proxy::default()))
            .await
            .is_err()
    );
    assert_eq!(secure.accepted(), 2);
}

/// Without a length the end of the connection is the end of the answer, which a stranger can bring about.
#[tokio::test]
async fn an_answer_cut_on_its_way_is_not_complete() {
    for says_goodbye in [true, false] {
        let authority = Authority::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let config = authority.server(&["orders.test"]);
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            stream.read_exact(&mut [0; 16]).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf";
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
            let mut socket = match says_goodbye {
                true => return stream.shutdown().await.unwrap(),
                false => stream.into_inner().0,
            };
            socket.shutdown().await.unwrap();
            let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
        });
        let tls = Tls::new(authority.client()).name("orders.test").unwrap();
        let upstream = upstream(&[address], false, tls);
        let request = http::Request::get("/").body(Empty::<Bytes>::new()).unwrap();
        let reply = upstream.send(request).await.unwrap();
        let body = reply.into_body().collect().await;
        assert_eq!(body.is_ok(), says_goodbye);
    }
}

/// A server that takes the connection and never shakes hands costs the connect timeout and no more.
#[tokio::test]
async fn a_handshake_counts_as_connecting() {
    let authority = Authority::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mut config = GroupConfig::new("orders.test");
    config.servers = vec![Server::new(address)];
    let proxy = Proxy {
        connect_timeout: Duration::from_millis(300),
        ..Proxy::default()
    };
    let tls = Tls::new(authority.client()).name("orders.test").unwrap();
    let upstream = Upstream::over_tls(Group::new(config).unwrap(), proxy, tls);
    let begun = tokio::time::Instant::now();
    assert!(fetch(&upstream).await.unwrap_err().contains("timed out"));
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(5),
        "{took:?}"
    );
    drop(silent);
}
