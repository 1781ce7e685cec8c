//! Behind real servers: an axum router, and a service that speaks gRPC.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tower::{Layer, ServiceExt, service_fn};
use tower_upstream::answer::Reason;
use tower_upstream::limit::rate::{RateLimit, RateLimitLayer};
use tower_upstream::limit::{ClientAddress, Key};

use crate::millis;

fn get_from(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Two routes, and clones of their router: one state.
#[tokio::test(start_paused = true)]
async fn routes_and_clones_of_a_router_share_the_layers_state() {
    let layer = RateLimitLayer::http(RateLimit::per_second(1))
        .build()
        .unwrap();
    let one = get(|| async { "one" }).layer(layer.clone());
    let two = get(|| async { "two" });
    let router: Router = Router::new()
        .route("/one", one)
        .merge(Router::new().route("/two", two).route_layer(layer.clone()))
        .route("/free", get(|| async { "free" }));
    let status = async |router: &Router, path| {
        let response: Result<_, Infallible> = router.clone().oneshot(get_from(path)).await;
        response.unwrap().status()
    };
    assert_eq!(status(&router, "/one").await, StatusCode::OK);
    assert_eq!(
        status(&router, "/two").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        status(&router.clone(), "/one").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(status(&router, "/free").await, StatusCode::OK);
    tokio::time::advance(millis(1000)).await;
    assert_eq!(status(&router, "/two").await, StatusCode::OK);
    assert_eq!(layer.snapshot().rejected, 2);
}

/// The head of the answer to one request over a connection of its own, from this address.
async fn over_tcp(server: SocketAddr, from: [u8; 4]) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Through axum's own server: every connection has a clone of the router, clients are told apart.
#[tokio::test]
async fn connections_share_the_state_and_clients_have_their_own_accounts() {
    type Peer = ConnectInfo<SocketAddr>;
    let keys = ClientAddress::from_extension(|peer: &Peer| Some(peer.0.ip()));
    let limit = RateLimit::per_minute(1).burst(1).nodelay().key(keys);
    let layer = RateLimitLayer::http(limit).status(429).build().unwrap();
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let make = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, make).await });
    for _ in 0..2 {
        let answer = over_tcp(server, [127, 0, 0, 1]).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    let answer = over_tcp(server, [127, 0, 0, 1]).await;
    assert!(
        answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("retry-after: 6"),
        "about a minute: {answer}"
    );
    let other = over_tcp(server, [127, 0, 0, 2]).await;
    assert!(other.starts_with("HTTP/1.1 200 OK\r\n"), "{other}");
    serving.abort();
}

/// A gRPC client gets a status of its own, in a response without a body.
#[tokio::test(start_paused = true)]
async fn grpc_callers_are_told_in_their_words() {
    let layer = RateLimitLayer::http(RateLimit::per_second(10))
        .build()
        .unwrap();
    let greeter = layer.layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from("\0\0\0\0\0")))
    }));
    let call = || {
        let call = Request::post("/helloworld.Greeter/SayHello");
        call.header("content-type", "application/grpc")
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(greeter.clone().oneshot(call()).await.unwrap().status(), 200);
    let refused = greeter.clone().oneshot(call()).await.unwrap();
    assert_eq!(refused.status(), 200);
    assert_eq!(refused.headers()["grpc-status"], "8");
    assert_eq!(refused.headers()["grpc-message"], "rate limit exceeded");
    assert_eq!(refused.headers()["grpc-retry-pushback-ms"], "100");
    assert_eq!(refused.extensions().get(), Some(&Reason::RateLimited));
    assert!(
        refused
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

/// By anything in the head, without copying it.
#[tokio::test(start_paused = true)]
async fn a_closure_over_the_request_is_a_key() {
    let limit =
        RateLimit::per_second(1).key_by(|request: &Request<Body>| request.uri().path().into());
    let layer = RateLimitLayer::http(limit).build().unwrap();
    let router: Router = Router::new().fallback(get(|| async {})).layer(layer);
    let status = async |path| {
        router
            .clone()
            .oneshot(get_from(path))
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status("/a").await, 200);
    assert_eq!(status("/b").await, 200);
    assert_eq!(status("/a").await, 503);
    let _: Key<'static> = Key::from(7);
}
