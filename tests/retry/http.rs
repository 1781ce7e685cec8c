//! HTTP requests with bodies, over axum on loopback.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::util::service_fn;
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_upstream::classify::Outcome;
use tower_upstream::retry::{AttemptBody, Backoff, HttpRequests, PreviousAttempts, RetryLayer};
use tower_upstream::{BoxError, NextUpstream};

/// What the server was sent: headers and body of each request.
type Sent = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A server that answers 503 to the first `failures` requests, and with the body to the others.
async fn server(failures: usize) -> (SocketAddr, Sent) {
    async fn answer(
        State((failures, sent)): State<(usize, Sent)>,
        request: Request<Body>,
    ) -> (StatusCode, Bytes) {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let mut sent = sent.lock().unwrap();
        sent.push((head.headers, body.clone()));
        match sent.len() <= failures {
            true => (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"busy")),
            false => (StatusCode::OK, body),
        }
    }
    let sent = Sent::default();
    let app = Router::new()
        .fallback(answer)
        .with_state((failures, Arc::clone(&sent)));
    (serve(app).await, sent)
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// A client without any resilience: a connection per request.
async fn plain(
    address: SocketAddr,
    request: Request<AttemptBody>,
) -> Result<Response<Incoming>, BoxError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

fn errors(error: &BoxError) -> Outcome {
    Outcome::of_error(&**error)
}

fn client<B>(
    address: SocketAddr,
    requests: HttpRequests,
) -> impl Service<Request<B>, Response = Response<Incoming>, Error = BoxError> + Clone
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let layer = RetryLayer::http(errors)
        .requests(requests)
        .next_upstream(NextUpstream::ERROR | NextUpstream::HTTP_503)
        .backoff(Backoff {
            base: Duration::from_millis(1),
            cap: Duration::from_millis(1),
        });
    let inner = service_fn(move |request| plain(address, request));
    ServiceBuilder::new().layer(layer).service(inner)
}

fn streamed(pieces: usize, size: usize) -> (Body, Vec<u8>) {
    let pieces: Vec<_> = (0..pieces)
        .map(|n| Bytes::from(vec![n as u8; size]))
        .collect();
    let whole = pieces.concat();
    let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, BoxError>)));
    (body, whole)
}

fn request<B>(method: Method, body: B) -> Request<B> {
    let request = Request::builder().method(method).uri("/orders");
    request.header("host", "orders").body(body).unwrap()
}

async fn text(response: Response<Incoming>) -> (u16, Bytes) {
    let status = response.status().as_u16();
    (
        status,
        response.into_body().collect().await.unwrap().to_bytes(),
    )
}

#[tokio::test]
async fn a_streamed_body_is_sent_again_as_it_was() {
    let (address, sent) = server(2).await;
    let (body, whole) = streamed(50, 1000);
    let client = client(address, HttpRequests::default());
    let answer = client.oneshot(request(Method::PUT, body)).await.unwrap();
    assert_eq!(text(answer).await, (200, Bytes::from(whole.clone())));
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|(_, body)| *body == whole));
}

/// A service that is busy says so before it has read the body. The next attempt sends what there was
/// of it by then, and goes on as it comes.
#[tokio::test]
async fn a_body_that_is_still_coming_goes_on_in_the_next_attempt() {
    async fn answer(
        State((seen, more)): State<(Arc<AtomicUsize>, Arc<Notify>)>,
        request: Request<Body>,
    ) -> (StatusCode, Bytes) {
        if seen.fetch_add(1, Relaxed) == 0 {
            return (StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
        }
        more.notify_one();
        let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
        (StatusCode::OK, body)
    }
    let (seen, more) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let state = (Arc::clone(&seen), Arc::clone(&more));
    let address = serve(Router::new().fallback(answer).with_state(state)).await;
    let first = stream::once(async { Ok::<_, BoxError>(Bytes::from_static(b"first, ")) });
    let rest = stream::once(async move {
        more.notified().await;
        Ok(Bytes::from_static(b"and the rest"))
    });
    let body = Body::from_stream(first.chain(rest));
    let client = client(address, HttpRequests::default());
    let answer = client.oneshot(request(Method::PUT, body)).await.unwrap();
    assert_eq!(
        text(answer).await,
        (200, Bytes::from_static(b"first, and the rest"))
    );
    assert_eq!(seen.load(Relaxed), 2);
}

#[tokio::test]
async fn a_body_past_the_limit_is_sent_once_and_the_answer_is_the_calls() {
    let (address, sent) = server(9).await;
    let (body, whole) = streamed(50, 1000);
    let client = client(address, HttpRequests::new(49_999));
    let answer = client.oneshot(request(Method::PUT, body)).await.unwrap();
    assert_eq!(text(answer).await, (503, Bytes::from_static(b"busy")));
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1, whole);
}

#[tokio::test]
async fn post_patch_and_lock_are_not_repeated_once_sent() {
    for (method, attempts) in [
        (Method::POST, 1),
        (Method::PATCH, 1),
        (Method::from_bytes(b"LOCK").unwrap(), 1),
        (Method::PUT, 3),
        (Method::DELETE, 3),
        (Method::GET, 3),
    ] {
        let (address, sent) = server(9).await;
        let client = client(address, HttpRequests::default());
        let body = Full::new(Bytes::from_static(b"order"));
        let answer = client.oneshot(request(method.clone(), body)).await.unwrap();
        assert_eq!(text(answer).await.0, 503);
        assert_eq!(sent.lock().unwrap().len(), attempts, "{method}");
    }
}

/// Nobody listened, so nobody can have acted on it.
#[tokio::test]
async fn a_post_that_was_refused_is_repeated() {
    let (address, sent) = server(0).await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let tried = Arc::new(Mutex::new(0));
    let inner = service_fn(move |request| {
        let mut tried = tried.lock().unwrap();
        *tried += 1;
        plain(if *tried < 3 { closed } else { address }, request)
    });
    let service = ServiceBuilder::new()
        .layer(RetryLayer::http(errors))
        .service(inner);
    let body = Full::new(Bytes::from_static(b"order"));
    let answer = service.oneshot(request(Method::POST, body)).await.unwrap();
    assert_eq!(text(answer).await, (200, Bytes::from_static(b"order")));
    assert_eq!(sent.lock().unwrap().len(), 1);
}

/// The error is the inner service's own.
#[tokio::test]
async fn the_last_error_keeps_its_type() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let client = client(closed, HttpRequests::default());
    let error = client
        .oneshot(request(Method::GET, Body::empty()))
        .await
        .unwrap_err();
    let io = error.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn attempts_after_the_first_say_so() {
    let (address, sent) = server(2).await;
    let previous = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&previous);
    let inner = service_fn(move |request: Request<AttemptBody>| {
        seen.lock()
            .unwrap()
            .push(request.extensions().get::<PreviousAttempts>().copied());
        plain(address, request)
    });
    let layer = RetryLayer::http(errors)
        .next_upstream(NextUpstream::HTTP_503 | NextUpstream::NON_IDEMPOTENT);
    let service = ServiceBuilder::new().layer(layer).service(inner);
    let mut request = request(Method::POST, Full::new(Bytes::from_static(b"call")));
    let grpc = "application/grpc+proto".parse().unwrap();
    request.headers_mut().insert("content-type", grpc);
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    let [one, two] = [1, 2].map(|n| Some(PreviousAttempts(n)));
    assert_eq!(*previous.lock().unwrap(), [None, one, two]);
    let sent = sent.lock().unwrap();
    let header = |n: usize| sent[n].0.get("grpc-previous-rpc-attempts");
    assert!(header(0).is_none());
    assert_eq!(header(1).unwrap(), "1");
    assert_eq!(header(2).unwrap(), "2");
}
