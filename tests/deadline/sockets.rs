//! What becomes of limited bodies on a real connection.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, post};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};
use tower_upstream::find_cause;
use tower_upstream::timeout::{Elapsed, RequestBodyTimeoutLayer, TimeoutLayer};

use super::stub::*;

const LIMIT: Duration = Duration::from_millis(200);

/// "x" and then nothing more.
fn stalling() -> Body {
    let frames = futures_util::stream::unfold(false, |sent| async move {
        if sent {
            let () = std::future::pending().await;
        }
        Some((Ok::<_, Infallible>("x"), true))
    });
    Body::from_stream(frames)
}

async fn listen(app: Router) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    TcpStream::connect(address).await.unwrap()
}

/// Everything the server says until it closes.
async fn say(mut stream: TcpStream, words: &str) -> String {
    stream.write_all(words.as_bytes()).await.unwrap();
    let mut said = String::new();
    let read = stream.read_to_string(&mut said);
    tokio::time::timeout(20 * SECOND, read)
        .await
        .unwrap()
        .unwrap();
    said
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_body_of_known_length_keeps_its_content_length() {
    let layer = TimeoutLayer::http()
        .request_timeout(SECOND)
        .idle_timeout(SECOND);
    let app = Router::new()
        .fallback(any(|| async { "12345" }))
        .layer(layer);
    let said = say(listen(app).await, GET).await;
    assert!(said.contains("content-length: 5\r\n"), "{said}");
    assert!(!said.contains("chunked"), "{said}");
    assert!(said.ends_with("\r\n\r\n12345"), "{said}");
}

#[tokio::test]
async fn a_body_that_is_cut_never_looks_complete() {
    for layer in [
        TimeoutLayer::http().request_timeout(LIMIT),
        TimeoutLayer::http().idle_timeout(LIMIT),
    ] {
        let app = Router::new().fallback(any(|| async { Response::new(stalling()) }));
        let said = say(listen(app.layer(layer)).await, GET).await;
        assert!(said.ends_with("1\r\nx\r\n"), "no last chunk: {said}");
    }
}

#[tokio::test]
async fn a_limit_before_the_headers_is_a_504_and_the_connection_lives() {
    let app = Router::new()
        .route("/never", any(std::future::pending::<()>))
        .route("/", any(|| async { "here" }))
        .layer(TimeoutLayer::http().request_timeout(LIMIT));
    let words = format!("GET /never HTTP/1.1\r\nhost: a\r\n\r\n{GET}");
    let said = say(listen(app).await, &words).await;
    assert!(
        said.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"),
        "{said}"
    );
    assert!(
        said.contains("HTTP/1.1 200 OK\r\n") && said.ends_with("here"),
        "{said}"
    );
}

#[tokio::test]
async fn a_client_that_stops_in_its_body_is_told_so_by_the_service() {
    let app = Router::new().route(
        "/",
        post(|body: Body| async {
            let error = body.collect().await.unwrap_err();
            assert_eq!(find_cause(&error), Some(&Elapsed::Client));
            http::StatusCode::REQUEST_TIMEOUT
        }),
    );
    let words = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhalf";
    let stream = listen(app.layer(RequestBodyTimeoutLayer::new(LIMIT))).await;
    let said = say(stream, words).await;
    assert!(
        said.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{said}"
    );
}

#[tokio::test]
async fn a_grpc_call_over_http2_ends_in_its_status_and_the_connection_lives() {
    let service = service_fn(|_: Request<hyper::body::Incoming>| async {
        let response = Response::builder().header("content-type", "application/grpc");
        Ok::<_, Infallible>(response.body(stalling()).unwrap())
    });
    let service = TimeoutLayer::http().request_timeout(LIMIT).layer(service);
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(service);
        server.serve_connection(TokioIo::new(theirs), service).await
    });
    let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours));
    let (mut client, connection) = client.await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::post("http://a/Greeter/Hello")
            .header("content-type", "application/grpc")
            .body(Empty::<axum::body::Bytes>::new())
            .unwrap();
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "4");
        assert_eq!(body.to_bytes(), "x");
    }
}
