//! What users of tonic's own balanced channel complain of; each is named after the complaint.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Empty, Full};
use tonic::Code;
use tower::{Layer, ServiceExt, service_fn};
use tower_upstream::retry::Idempotent;
use tower_upstream::timeout::{Incoming, TimeoutLayer};
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

/// A handler says nothing of time, and neither does whoever made its client.
#[tokio::test]
async fn grpc_rust_2316_what_is_left_of_a_callers_time_goes_on_with_the_calls_made_for_him() {
    let a = Orders::start("a");
    let upstream = upstream(&[a.address], Semantics::Nginx);
    let client = Client::new(&upstream);
    let handler = service_fn(move |_: http::Request<Empty<Bytes>>| {
        let mut client = client.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let answer = client.get("x").await.unwrap();
            Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(answer))))
        }
    });
    let service = TimeoutLayer::http()
        .incoming(Incoming::trusting_all())
        .layer(handler);
    let request = http::Request::post("/shop.Desk/Ask")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "5S");
    let request = request.body(Empty::new()).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let told = a.told.metadata.lock().unwrap().clone();
    let told = told.get("grpc-timeout").unwrap().to_str().unwrap();
    let micros: u64 = told.strip_suffix('u').unwrap().parse().unwrap();
    assert!((1..=4_980_000).contains(&micros), "{told}");
}
