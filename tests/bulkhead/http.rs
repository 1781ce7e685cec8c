//! In front of HTTP services: what the refused get, and when a place is free again.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_upstream::body::Guarded;
use tower_upstream::limit::bulkhead::{BulkheadLayer, ClassHeader, Handle, Permit, Release};

/// Frames as told, one for each poll.
#[derive(Debug, Default)]
struct Frames {
    left: Vec<Result<Frame<Bytes>, &'static str>>,
    /// Says that it is over with its last frame, not only after it.
    knows: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready((!self.left.is_empty()).then(|| self.left.remove(0)))
    }

    fn is_end_stream(&self) -> bool {
        self.knows && self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(7)
    }
}

fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

async fn respond(release: Release, body: Frames) -> (Handle, Response<Guarded<Frames, Permit>>) {
    let layer = BulkheadLayer::http(1).release(release).build().unwrap();
    let handle = layer.handle();
    let mut body = Some(body);
    let service = service_fn(move |_: Request<()>| {
        let body = body.take().unwrap_or_default();
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    // Not cloned while it is in use: its body is there once.
    let mut service = layer.layer(Unshared(Some(service)));
    let response = service.ready().await.unwrap().call(Request::new(())).await;
    (handle, response.unwrap())
}

/// Clones are empty.
struct Unshared<S>(Option<S>);

impl<S> Clone for Unshared<S> {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl<S: Service<Request<()>>> Service<Request<()>> for Unshared<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.as_mut().unwrap().poll_ready(cx)
    }

    fn call(&mut self, request: Request<()>) -> S::Future {
        self.0.as_mut().unwrap().call(request)
    }
}

#[tokio::test]
async fn the_place_is_free_when_the_body_is_over_and_not_before() {
    for knows in [true, false] {
        let body = Frames {
            left: vec![data("some"), data("any")],
            knows,
        };
        let (handle, response) = respond(Release::Body, body).await;
        let mut body = response.into_body();
        let in_flight = || handle.snapshot().in_flight;
        assert_eq!(body.size_hint().exact(), Some(7));
        assert_eq!(in_flight(), 1);
        body.frame().await.unwrap().unwrap();
        assert_eq!(in_flight(), 1);
        body.frame().await.unwrap().unwrap();
        assert_eq!(body.is_end_stream(), knows);
        // Who has the last frame need not ask for another.
        assert_eq!(in_flight(), usize::from(!knows));
        assert!(body.frame().await.is_none());
        assert_eq!(in_flight(), 0);
    }
}

#[tokio::test]
async fn trailers_are_the_last_of_it() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Frames {
        left: vec![data("some"), Ok(Frame::trailers(trailers.clone()))],
        knows: true,
    };
    let (handle, response) = respond(Release::Body, body).await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(handle.snapshot().in_flight, 1);
    let last = body.frame().await.unwrap().unwrap();
    assert_eq!(last.into_trailers().unwrap(), trailers);
    assert_eq!(handle.snapshot().in_flight, 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_dropped_frees_its_place() {
    let broken = Frames {
        left: vec![Err("broken"), data("more")],
        knows: false,
    };
    let (handle, response) = respond(Release::Body, broken).await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap_err();
    assert_eq!(handle.snapshot().in_flight, 0);

    let unread = Frames {
        left: vec![data("some")],
        knows: false,
    };
    let (handle, response) = respond(Release::Body, unread).await;
    assert_eq!(handle.snapshot().in_flight, 1);
    drop(response);
    assert_eq!(handle.snapshot().in_flight, 0);
}

#[tokio::test]
async fn an_empty_body_holds_nothing() {
    let empty = Frames {
        left: Vec::new(),
        knows: true,
    };
    let (handle, response) = respond(Release::Body, empty).await;
    assert_eq!(handle.snapshot().in_flight, 0);
    drop(response);
}

#[tokio::test]
async fn by_choice_the_place_is_free_when_the_response_begins() {
    let body = Frames {
        left: vec![data("some")],
        knows: false,
    };
    let (handle, response) = respond(Release::Header, body).await;
    assert_eq!(handle.snapshot().in_flight, 0);
    assert!(response.into_body().collect().await.is_ok());
}

#[tokio::test]
async fn refusals_are_responses_and_errors_stay_what_they_are() {
    let hello = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
    });
    for (status, expected) in [(None, 503), (Some(429), 429)] {
        let builder = BulkheadLayer::http(1);
        let builder = match status {
            Some(status) => builder.status(status),
            None => builder,
        };
        let service = builder.build().unwrap().layer(hello);
        let held: Result<_, Infallible> = service.clone().oneshot(Request::new(())).await;
        let refused = service.clone().oneshot(Request::new(())).await.unwrap();
        assert_eq!(refused.status(), expected);
        assert!(refused.headers().is_empty());
        assert_eq!(refused.into_body().size_hint().exact(), Some(0));

        let call = Request::post("/")
            .header("content-type", "application/grpc")
            .body(());
        let refused = service.clone().oneshot(call.unwrap()).await.unwrap();
        assert_eq!(refused.status(), 200);
        assert_eq!(refused.headers()["grpc-status"], "8", "RESOURCE_EXHAUSTED");
        drop(held);
        let served = service.oneshot(Request::new(())).await.unwrap();
        assert_eq!(served.status(), 200);
    }
}

#[tokio::test]
async fn a_header_says_how_much_a_request_matters() {
    let hello = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
    });
    let classes = ClassHeader::new(HeaderName::from_static("x-criticality"));
    let layer = BulkheadLayer::http(2).classes(classes).build().unwrap();
    let service = layer.layer(hello);
    let ask = |class: &str| {
        let request = Request::get("/").header("x-criticality", class).body(());
        service.clone().oneshot(request.unwrap())
    };
    let held = ask("sheddable").await.unwrap();
    assert_eq!(held.status(), 200);
    assert_eq!(ask("sheddable").await.unwrap().status(), 503);
    assert_eq!(ask("CRITICAL_PLUS").await.unwrap().status(), 200);
    // What it does not know matters as most do.
    assert_eq!(ask("urgent").await.unwrap().status(), 200);
}
