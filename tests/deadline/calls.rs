//! What an `Upstream` makes of a request's time, over sockets: limits are short, for these do not know
//! paused time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tower_upstream::timeout::{Deadline, Elapsed, header};
use tower_upstream::{Builder, ErrorKind, NextUpstream, Server, Upstream, find_cause};

use super::stub::*;

const PLAIN: HeaderName = HeaderName::from_static("x-request-timeout");

/// A server whose handler is told how often it was asked before.
async fn server<F, Fut>(handler: F) -> Server
where
    F: Fn(usize, Request<Body>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move |request: Request<Body>| {
        handler(asked.fetch_add(1, Ordering::SeqCst), request)
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server::new(address.to_string()).max_fails(0)
}

/// Says what it was told of the time.
async fn echo(_: usize, request: Request<Body>) -> Response<Body> {
    let value = |name| {
        let value = request.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    Response::new(Body::from(format!(
        "{}|{}",
        value(header::GRPC_TIMEOUT),
        value(PLAIN)
    )))
}

fn upstream(
    servers: impl IntoIterator<Item = Server>,
    with: impl Fn(Builder) -> Builder,
) -> Upstream {
    let builder = servers
        .into_iter()
        .fold(Upstream::builder(), Builder::server);
    with(builder).build().unwrap()
}

fn grpc() -> http::request::Builder {
    Request::put("/").header("content-type", "application/grpc")
}

fn within(request: http::request::Builder, time: Duration) -> Request<Body> {
    let request = request.extension(Deadline::after(time));
    request.body(Body::empty()).unwrap()
}

async fn text(response: Response<tower_upstream::ResponseBody>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

#[tokio::test]
async fn a_peer_is_told_what_is_left() {
    let upstream = upstream([server(echo).await], |b| b.deadline_header(PLAIN));
    let told = text(upstream.send(within(grpc(), SECOND)).await.unwrap()).await;
    let (grpc_timeout, plain) = told.split_once('|').unwrap();
    let left = header::parse_grpc(grpc_timeout.as_bytes()).unwrap();
    assert!(left < SECOND && left > 500 * MS, "{told}");
    assert_eq!(plain, "", "gRPC has its own");

    let told = text(
        upstream
            .send(within(Request::get("/"), SECOND))
            .await
            .unwrap(),
    )
    .await;
    let (grpc_timeout, plain) = told.split_once('|').unwrap();
    assert_eq!(grpc_timeout, "");
    let left = header::parse_millis(plain.as_bytes()).unwrap();
    assert!(left < SECOND && left > 500 * MS, "{told}");
}

#[tokio::test]
async fn without_a_deadline_or_a_header_for_it_nothing_is_said() {
    let server = server(echo).await;
    let silent = upstream([server.clone()], |b| b);
    let request = within(Request::get("/"), SECOND);
    assert_eq!(text(silent.send(request).await.unwrap()).await, "|");
    let named = upstream([server], |b| b.deadline_header(PLAIN));
    let request = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(text(named.send(request).await.unwrap()).await, "|");
}

#[tokio::test]
async fn our_own_limit_is_told_as_well() {
    let server = server(echo).await;
    let upstream = upstream([server], |b| {
        b.deadline_header(PLAIN).request_timeout(SECOND)
    });
    let request = Request::get("/").body(Body::empty()).unwrap();
    let told = text(upstream.send(request).await.unwrap()).await;
    let left = header::parse_millis(told.strip_prefix('|').unwrap().as_bytes());
    assert!(left.unwrap() < SECOND, "{told}");
}

#[tokio::test]
async fn every_attempt_is_told_anew_and_less() {
    const FIRST: Duration = Duration::from_millis(300);
    let told: Arc<std::sync::Mutex<Vec<Duration>>> = Arc::default();
    let log = told.clone();
    let server = server(move |asked, request| {
        let value = request.headers()[header::GRPC_TIMEOUT]
            .as_bytes()
            .to_owned();
        log.lock()
            .unwrap()
            .push(header::parse_grpc(&value).unwrap());
        async move {
            let mut response = Response::new(Body::empty());
            if asked == 0 {
                sleep(FIRST).await;
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            response
        }
    });
    let server = server.await;
    let upstream = upstream([server.clone(), server], |b| {
        b.next_upstream(NextUpstream::HTTP_503)
    });
    let response = upstream.send(within(grpc(), 5 * SECOND)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2);
    assert!(
        told[0] < 5 * SECOND && told[1] <= told[0] - FIRST,
        "{told:?}"
    );
}

/// Never answers; says when a request is dropped.
async fn hanging(_: usize, _: Request<Body>) -> Response<Body> {
    std::future::pending().await
}

#[tokio::test]
async fn the_smallest_of_all_limits_ends_the_request_and_blames_nobody() {
    let server = server(hanging).await.max_fails(1);
    let (long, short) = (20 * SECOND, 150 * MS);
    let extension = |time| within(Request::get("/"), time);
    let own = |time| upstream([server.clone()], |b| b.request_timeout(time));
    let asked = |value| {
        grpc()
            .header("grpc-timeout", value)
            .body(Body::empty())
            .unwrap()
    };
    let plain = upstream([server.clone()], |b| b);
    let ways = [
        (own(long), extension(short), None),
        (own(short), extension(long), None),
        (own(long), extension(long), Some(short)),
        // A client of gRPC that has us for a channel.
        (plain, asked("150m"), None),
    ];
    for (way, (upstream, request, current)) in ways.into_iter().enumerate() {
        let begun = Instant::now();
        let call = async { upstream.send(request).await };
        let answer = match current {
            Some(time) => Deadline::after(time).scope(call).await,
            None => call.await,
        };
        let error = answer.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Deadline, 1),
            "{way}"
        );
        assert_eq!(error.status(), StatusCode::GATEWAY_TIMEOUT);
        let took = begun.elapsed();
        assert!(took >= short && took < 5 * SECOND, "{way}: {took:?}");
        let peer = &upstream.group().snapshot()[0];
        assert_eq!((peer.state.fails, peer.state.in_flight), (0, 0), "{way}");
    }
}

#[tokio::test]
async fn nobody_is_asked_when_nothing_is_left() {
    let server = server(|_, _| async { panic!("asked") }).await;
    let upstream = upstream([server], |b| b);
    let late = upstream
        .send(within(Request::get("/"), Duration::ZERO))
        .await;
    let zero = grpc().header("grpc-timeout", "0n").body(Body::empty());
    let zero = upstream.send(zero.unwrap()).await;
    for answer in [late, zero] {
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Deadline, 0));
    }
    assert_eq!(upstream.group().snapshot()[0].state.fails, 0);
}

#[tokio::test]
async fn a_grpc_timeout_is_only_passed_on_where_nginx_does() {
    let server = server(|_, request: Request<Body>| async move {
        sleep(200 * MS).await;
        echo(0, request).await
    });
    let upstream = upstream([server.await], |b| b.grpc_timeout(false));
    let request = grpc().header("grpc-timeout", "1m").body(Body::empty());
    let response = upstream.send(request.unwrap()).await.unwrap();
    assert_eq!(text(response).await, "1m|");
}

#[tokio::test]
async fn what_is_left_bounds_the_body_too() {
    let server = server(|_, _| async {
        let frames = futures_util::stream::unfold((), |()| async {
            sleep(60 * MS).await;
            Some((Ok::<_, std::io::Error>("more"), ()))
        });
        Response::new(Body::from_stream(frames))
    });
    let upstream = upstream([server.await], |b| b);
    let begun = Instant::now();
    let response = upstream
        .send(within(Request::get("/"), 400 * MS))
        .await
        .unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(find_cause(&*error), Some(&Elapsed::Request));
    assert!(begun.elapsed() >= 400 * MS && begun.elapsed() < 5 * SECOND);
    assert_eq!(upstream.group().snapshot()[0].state.fails, 0);
}
