//! What users of tonic's own balanced channel complain of; each is named after the complaint.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tonic::Code;
use tower_upstream::retry::Idempotent;
use tower_upstream::{Semantics, Trail};

use crate::client::{Client, fails, upstream};
use crate::server::Orders;

/// An address where nobody listens.
fn gone() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A call, and how often each server was asked for it.
async fn traced(client: &mut Client, servers: &[SocketAddr]) -> (String, Vec<usize>) {
    let trail = Trail::new();
    let mut request = tonic::Request::new("x".to_owned());
    request.extensions_mut().insert(trail.clone());
    // What a server had when it died may have been done.
    request.extensions_mut().insert(Idempotent(true));
    let answer = client.ask(request).await.unwrap();
    let asked = |at: &SocketAddr| {
        let peer = at.to_string();
        let attempts = trail.attempts();
        attempts.iter().filter(|a| *a.peer == *peer).count()
    };
    (answer, servers.iter().map(asked).collect())
}

/// Calls that all succeed, until something is so.
async fn called_until(client: &mut Client, so: impl Fn() -> bool) {
    for _ in 0..2000 {
        client.get("x").await.unwrap();
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to be");
}

#[tokio::test]
async fn grpc_rust_643_a_server_that_was_never_there_fails_no_call() {
    let b = Orders::start("b");
    let servers = [gone(), b.address];
    for semantics in [Semantics::Nginx, Semantics::Strict] {
        let upstream = upstream(&servers, semantics);
        let mut client = Client::new(&upstream);
        let mut asked = 0;
        for _ in 0..100 {
            let (answer, times) = traced(&mut client, &servers).await;
            assert_eq!(answer, "b x");
            asked += times[0];
        }
        // Once, and once more for each second that this may have taken.
        assert!((1..10).contains(&asked), "{asked}");
    }
}

#[tokio::test]
async fn grpc_rust_1147_servers_that_start_later_are_there_at_once() {
    let servers = [gone(), gone()];
    let upstream = upstream(&servers, Semantics::Strict);
    let mut client = Client::new(&upstream);
    for _ in 0..5 {
        let status = client.get("x").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    let started = servers.map(|at| Orders::at("started", at));
    for _ in 0..20 {
        assert_eq!(client.get("x").await.unwrap(), "started x");
    }
    // Both are back in the end.
    called_until(&mut client, || {
        started.iter().all(|server| server.calls() > 0)
    })
    .await;
}

#[tokio::test]
async fn grpc_rust_2839_a_server_that_dies_under_load_fails_no_call_that_may_be_repeated() {
    let (mut a, b, c) = (Orders::start("a"), Orders::start("b"), Orders::start("c"));
    let servers = [a.address, b.address, c.address];
    let upstream = upstream(&servers, Semantics::Strict);
    let mut client = Client::new(&upstream);
    for _ in 0..9 {
        client.get("x").await.unwrap();
    }
    assert_eq!(a.calls(), 3);
    let at = a.address;
    a.kill();
    let mut asked = 0;
    for _ in 0..100 {
        asked += traced(&mut client, &servers).await.1[0];
    }
    assert!(asked < 10, "{asked}");
    assert_eq!(fails(&upstream)[1..], [0, 0]);

    let again = Orders::at("again", at);
    called_until(&mut client, || again.calls() > 0).await;
}
