//! Response bodies under a limit: what is cut, how, and what stays as it was.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};
use tower_upstream::answer::HttpAnswers;
use tower_upstream::timeout::{Elapsed, Http, TimeoutBody, TimeoutLayer};
use tower_upstream::{BoxError, find_cause};

use super::stub::*;

/// A body of so many frames, each after its pause.
fn frames(pauses: Vec<Duration>) -> Body {
    let stream = futures_util::stream::unfold(pauses.into_iter(), |mut pauses| async move {
        let pause = pauses.next()?;
        // No timer for no pause: such a body never gives way.
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let frame = Frame::data(Bytes::from_static(b"x"));
        Some((Ok::<_, Infallible>(frame), pauses))
    });
    Body::new(StreamBody::new(stream))
}

async fn limited(
    layer: &TimeoutLayer<Http<HttpAnswers>>,
    response: Response<Body>,
) -> Response<TimeoutBody<Body>> {
    let mut response = Some(response);
    let service = service_fn(move |_: http::Request<Body>| {
        std::future::ready(Ok::<_, Infallible>(response.take().unwrap()))
    });
    layer.layer(service).oneshot(get()).await.unwrap()
}

/// How many frames came, and how it ended.
async fn read(body: TimeoutBody<Body>) -> (usize, Option<Elapsed>, HeaderMap) {
    let (mut count, mut trailers) = (0, HeaderMap::new());
    let mut body = body;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) if frame.is_data() => count += 1,
            Ok(frame) => trailers = frame.into_trailers().unwrap(),
            Err(error) => {
                assert!(body.is_end_stream());
                assert!(body.frame().await.is_none(), "an error is the end");
                return (count, elapsed(&error), trailers);
            }
        }
    }
    (count, None, trailers)
}

fn elapsed(error: &BoxError) -> Option<Elapsed> {
    find_cause::<Elapsed>(&**error).copied()
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_the_whole_covers_the_body_to_its_end() {
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let response = limited(&layer, Response::new(frames(vec![400 * MS; 9]))).await;
    let (read, took) = timed(read(response.into_body())).await;
    assert_eq!(read, (2, Some(Elapsed::Request), HeaderMap::new()));
    assert_eq!(took, SECOND);
}

#[tokio::test(start_paused = true)]
async fn time_spent_before_the_headers_is_the_body_s_no_more() {
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let service = service_fn(|_: http::Request<Body>| async {
        tokio::time::sleep(700 * MS).await;
        Ok::<_, Infallible>(Response::new(frames(vec![200 * MS; 9])))
    });
    let begun = Instant::now();
    let response = layer.layer(service).oneshot(get()).await.unwrap();
    let (count, end, _) = read(response.into_body()).await;
    assert_eq!((count, end), (1, Some(Elapsed::Request)));
    assert_eq!(begun.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_frames_is_limited_each_time_anew() {
    let layer = TimeoutLayer::http().idle_timeout(SECOND);
    let long = vec![900 * MS; 20];
    let response = limited(&layer, Response::new(frames(long))).await;
    assert_eq!(read(response.into_body()).await.0, 20);

    let pauses = vec![900 * MS, 900 * MS, 1100 * MS];
    let response = limited(&layer, Response::new(frames(pauses))).await;
    let (read, took) = timed(read(response.into_body())).await;
    assert_eq!((read.0, read.1), (2, Some(Elapsed::Response)));
    assert_eq!(took, 2800 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_its_time_is_not_the_service_s_pause() {
    let layer = TimeoutLayer::http().idle_timeout(SECOND);
    let mut body = limited(&layer, Response::new(frames(vec![MS; 3])))
        .await
        .into_body();
    for _ in 0..3 {
        tokio::time::sleep(5 * SECOND).await;
        assert!(body.frame().await.unwrap().is_ok());
    }
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_pauses_is_cut_as_well() {
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let mut body = limited(&layer, Response::new(frames(vec![Duration::ZERO; 9])))
        .await
        .into_body();
    for _ in 0..3 {
        assert!(body.frame().await.unwrap().is_ok());
    }
    tokio::time::advance(SECOND).await;
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(elapsed(&error), Some(Elapsed::Request));
}

#[tokio::test(start_paused = true)]
async fn what_is_complete_is_handed_out_however_late() {
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let body = limited(&layer, Response::new(Body::from("all of it")))
        .await
        .into_body();
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), "all of it");
}

#[tokio::test(start_paused = true)]
async fn length_end_and_trailers_are_the_body_s_own() {
    let layer = TimeoutLayer::http()
        .request_timeout(SECOND)
        .idle_timeout(SECOND);
    let body = limited(&layer, Response::new(Body::from("12345")))
        .await
        .into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
    let body = limited(&layer, Response::new(Body::empty()))
        .await
        .into_body();
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.is_end_stream());

    let sent = HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("e"))]);
    let (tail, trailers) = (sent.clone(), sent);
    let body = Body::new(Body::from("x").with_trailers(async { Some(Ok(tail)) }));
    let body = limited(&layer, Response::new(body)).await.into_body();
    assert_eq!(read(body).await, (1, None, trailers));
}

#[tokio::test(start_paused = true)]
async fn a_grpc_response_ends_in_a_status() {
    let layer = TimeoutLayer::http()
        .request_timeout(SECOND)
        .idle_timeout(500 * MS);
    for (pauses, message, took) in [
        (vec![400 * MS; 9], "deadline exceeded", SECOND),
        (vec![400 * MS, 9 * SECOND], "response timed out", 900 * MS),
    ] {
        let mut response = Response::new(frames(pauses));
        let grpc = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert("content-type", grpc);
        let response = limited(&layer, response).await;
        let ((_, end, trailers), after) = timed(read(response.into_body())).await;
        assert_eq!(end, None, "it is no error: the connection lives");
        assert_eq!(trailers["grpc-status"], "4");
        assert_eq!(trailers["grpc-message"], message);
        assert_eq!(after, took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_behind_that_ends_with_the_same_deadline_does_not_hide_it() {
    // The service streams what it gets from another, whose body broke off in the same moment.
    let stream = futures_util::stream::once(async {
        tokio::time::sleep(SECOND).await;
        Err::<Bytes, _>(std::io::Error::other("upstream's request timed out"))
    });
    let mut response = Response::new(Body::from_stream(stream));
    let grpc = HeaderValue::from_static("application/grpc+proto");
    response.headers_mut().insert("content-type", grpc);
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let body = limited(&layer, response).await.into_body();
    let (_, end, trailers) = read(body).await;
    assert_eq!(end, None);
    assert_eq!(trailers["grpc-status"], "4");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_body_stays_what_it_is() {
    let stream = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    });
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let mut body = limited(&layer, Response::new(Body::from_stream(stream)))
        .await
        .into_body();
    let error = body.frame().await.unwrap().unwrap_err();
    let cause = find_cause::<std::io::Error>(&*error).unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn the_body_behind_is_dropped_in_the_moment_it_is_cut() {
    let held = Arc::new(());
    let watch = Arc::downgrade(&held);
    let stream = futures_util::stream::once(async move {
        let _held = held;
        std::future::pending::<Result<Bytes, Infallible>>().await
    });
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let mut body = limited(&layer, Response::new(Body::from_stream(stream)))
        .await
        .into_body();
    assert!(body.frame().await.unwrap().is_err());
    assert!(watch.upgrade().is_none());
    drop(body);
}
