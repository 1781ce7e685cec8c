//! Through axum over real connections: routes, cloned routers and connections share one account.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_upstream::limit::bulkhead::BulkheadLayer;

async fn connect(address: std::net::SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (send, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

fn to(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::get(path).header("host", "here");
    request.body(Empty::new()).unwrap()
}

#[tokio::test]
async fn routes_and_connections_share_one_account_until_bodies_are_over() {
    let layer = BulkheadLayer::http(2).build().unwrap();
    let bulkhead = layer.handle();
    let gate = Arc::new(Semaphore::new(0));
    let stream = {
        let gate = Arc::clone(&gate);
        move || {
            let gate = Arc::clone(&gate);
            async move {
                let end = futures_util::stream::once(async move {
                    let _ = gate.acquire().await;
                    Ok::<_, Infallible>(Bytes::from("end"))
                });
                let begin = futures_util::stream::iter([Ok(Bytes::from("begin "))]);
                Response::new(Body::from_stream(futures_util::StreamExt::chain(
                    begin, end,
                )))
            }
        }
    };
    // Applied to each route apart, as axum does, and once more by hand.
    let routes = Router::new()
        .route("/one", get(stream.clone()))
        .route("/two", get(stream))
        .route_layer(layer.clone());
    let app = routes.merge(Router::new().route("/three", get(async || "three").layer(layer)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());

    let (mut a, mut b, mut c) = (
        connect(address).await,
        connect(address).await,
        connect(address).await,
    );
    let one = a.send_request(to("/one")).await.unwrap();
    let two = b.send_request(to("/two")).await.unwrap();
    assert_eq!(
        (one.status(), two.status()),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert_eq!(
        bulkhead.snapshot().in_flight,
        2,
        "their bodies are not over"
    );
    for path in ["/one", "/two", "/three"] {
        let refused = c.send_request(to(path)).await.unwrap();
        assert_eq!(refused.status(), 503, "{path}");
    }
    gate.add_permits(2);
    for response in [one, two] {
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), "begin end");
    }
    let served = c.send_request(to("/three")).await.unwrap();
    assert_eq!(served.status(), 200);

    // A client that goes away while its response streams.
    let one = a.send_request(to("/one")).await.unwrap();
    assert_eq!(one.status(), 200);
    drop((one, a));
    let gone = async {
        while bulkhead.snapshot().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("its place is free");
}

/// A body that nobody reads must not hold its place for longer than a request may take.
#[tokio::test(start_paused = true)]
async fn a_timeout_in_front_frees_the_place_of_a_response_that_does_not_end() {
    use tower::{ServiceBuilder, ServiceExt};
    use tower_upstream::timeout::TimeoutLayer;

    let layer = BulkheadLayer::http(1).build().unwrap();
    let bulkhead = layer.handle();
    let endless = || async {
        Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>())
    };
    let app = Router::new().route("/", get(endless)).layer(
        ServiceBuilder::new()
            .layer(TimeoutLayer::http().request_timeout(Duration::from_secs(3)))
            .layer(layer),
    );
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    let cut = response.into_body().collect();
    assert!(cut.await.is_err());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}
