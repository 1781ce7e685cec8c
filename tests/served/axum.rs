//! In axum's server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use ::axum::Router;
use ::axum::routing::get;
use futures_util::future::join_all;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_upstream::breaker::{BreakerLayer, State};
use tower_upstream::limit::bulkhead::{BulkheadLayer, Queue};
use tower_upstream::limit::rate::{RateLimit, RateLimitLayer};

use crate::hyper::Http1;
use crate::until;

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { ::axum::serve(listener, app).await });
    address
}

/// Two servers with a clone of the router each; so many connections to them, in turn.
async fn connections(app: Router, count: usize) -> Vec<Http1> {
    let servers = [serve(app.clone()).await, serve(app).await];
    let to = (0..count).map(|n| Http1::to(servers[n % 2]));
    join_all(to).await
}

/// Every connection asks once, at the same time, one route or the other.
async fn ask_all(connections: &mut [Http1]) -> Vec<StatusCode> {
    let paths = ["/one", "/two"].into_iter().cycle();
    let calls = connections.iter_mut().zip(paths);
    let calls = calls.map(|(connection, path)| async {
        let answer = connection.get(path).await;
        let status = answer.status();
        answer.into_body().collect().await.unwrap();
        status
    });
    join_all(calls).await
}

fn count(statuses: &[StatusCode], status: u16) -> usize {
    statuses.iter().filter(|s| **s == status).count()
}

#[tokio::test]
async fn routes_connections_and_cloned_routers_share_one_rate() {
    let layer = RateLimitLayer::http(RateLimit::per_minute(1).burst(9).nodelay());
    let layer = layer.status(429).build().unwrap();
    let app = Router::new()
        .route("/one", get(async || "one").layer(layer.clone()))
        .route("/two", get(async || "two").layer(layer.clone()));
    let mut connections = connections(app, 16).await;
    let statuses = ask_all(&mut connections).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 429)), (10, 6));
    assert_eq!(count(&ask_all(&mut connections).await, 429), 16);
    assert_eq!(layer.snapshot().passed, 10);
}

#[tokio::test]
async fn routes_connections_and_cloned_routers_share_one_bulkhead() {
    let layer = BulkheadLayer::http(5).build().unwrap();
    let handle = layer.handle();
    let (inside, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (inside, go) = (Arc::clone(&inside), Arc::clone(&go));
        move || async move {
            inside.fetch_add(1, SeqCst);
            drop(go.acquire().await);
        }
    };
    let app = Router::new()
        .route("/one", get(handler.clone()).layer(layer.clone()))
        .route("/two", get(handler).layer(layer));
    let mut connections = connections(app, 20).await;
    let statuses = {
        let release = async {
            until("fifteen are refused", || handle.snapshot().rejected == 15).await;
            assert_eq!((inside.load(SeqCst), handle.snapshot().in_flight), (5, 5));
            go.add_permits(5);
        };
        let (statuses, ()) = tokio::join!(ask_all(&mut connections), release);
        statuses
    };
    assert_eq!((count(&statuses, 200), count(&statuses, 503)), (5, 15));
    until("all places are free", || handle.snapshot().in_flight == 0).await;
    // W19: connections that stay open and are idle hold nothing.
    go.add_permits(100);
    let five = &mut connections[..5];
    assert_eq!(count(&ask_all(five).await, 200), 5);
}

#[tokio::test]
async fn routes_connections_and_cloned_routers_share_one_breaker() {
    let breaker = BreakerLayer::http().max_fails(3, Duration::from_secs(60));
    let breaker = breaker.build().unwrap();
    let handle = breaker.handle();
    let called = Arc::new(AtomicUsize::new(0));
    let handler = {
        let called = Arc::clone(&called);
        move || {
            called.fetch_add(1, SeqCst);
            async { StatusCode::INTERNAL_SERVER_ERROR }
        }
    };
    let app = Router::new()
        .route("/one", get(handler.clone()).layer(breaker.clone()))
        .route("/two", get(handler).layer(breaker));
    let mut connections = connections(app, 4).await;
    for connection in &mut connections[..3] {
        let failed = connection.get("/one").await;
        assert_eq!(failed.status(), 500);
    }
    assert_eq!(handle.snapshot().state, State::Open);
    assert_eq!(count(&ask_all(&mut connections).await, 503), 4);
    assert_eq!(called.load(SeqCst), 3);
    let refused = connections[0].get("/two").await;
    let after: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((30..=61).contains(&after), "{after} s");
}

/// In the line, in the handler, in the body.
#[tokio::test]
async fn clients_that_go_away_leave_their_places() {
    let queue = Queue {
        patience: Duration::from_secs(60),
        hurry: Duration::from_secs(60),
        ..Queue::default()
    };
    let layer = BulkheadLayer::http(1).queue(queue).build().unwrap();
    let handle = layer.handle();
    let now = || {
        let seen = handle.snapshot();
        (seen.in_flight, seen.waiting)
    };
    let endless = async || {
        let begin = futures_util::stream::iter([Ok::<_, std::io::Error>("begin")]);
        let never = futures_util::stream::pending();
        let body = futures_util::StreamExt::chain(begin, never);
        Response::new(::axum::body::Body::from_stream(body))
    };
    let app = Router::new()
        .route("/hangs", get(async || std::future::pending::<()>().await))
        .route("/streams", get(endless))
        .layer(layer);
    let server = serve(app).await;

    let mut streaming = Http1::to(server).await;
    let answer = streaming.get("/streams").await;
    assert_eq!(now(), (1, 0));
    let mut waiting = Http1::to(server).await;
    let waiting = tokio::spawn(async move { waiting.get("/hangs").await });
    until("it waits", || now() == (1, 1)).await;
    waiting.abort();
    until("who has left waits no longer", || now() == (1, 0)).await;

    let mut hanging = Http1::to(server).await;
    let hanging = tokio::spawn(async move { hanging.get("/hangs").await });
    until("it waits", || now() == (1, 1)).await;
    drop((answer, streaming));
    until("the stream's place is the next one's", || now() == (1, 0)).await;
    hanging.abort();
    until("the handler's place is free", || now() == (0, 0)).await;
    assert_eq!(handle.snapshot().cancelled, 1);
}
