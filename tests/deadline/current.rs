//! The deadline of the request being served, for those who were not handed it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_upstream::timeout::{Deadline, TimeoutLayer};

use super::stub::*;

type Log = Arc<Mutex<Vec<(&'static str, Option<Deadline>)>>>;

/// Three frames, each of which comes late.
struct Frames {
    left: u32,
    log: Log,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.log.lock().unwrap().push(("body", Deadline::current()));
        std::task::ready!(self.sleep.as_mut().poll(cx));
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.sleep = Box::pin(tokio::time::sleep(MS));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_there_in_the_call_at_every_poll_and_in_the_body() {
    let log = Log::default();
    let seen = log.clone();
    let service = service_fn(move |_: Request<Body>| {
        let log = seen.clone();
        log.lock().unwrap().push(("call", Deadline::current()));
        async move {
            log.lock().unwrap().push(("first", Deadline::current()));
            tokio::time::sleep(MS).await;
            log.lock().unwrap().push(("second", Deadline::current()));
            let sleep = Box::pin(tokio::time::sleep(MS));
            let frames = Frames {
                left: 3,
                log,
                sleep,
            };
            Ok::<_, Infallible>(Response::new(Body::new(frames)))
        }
    });
    let deadline = Deadline::after(SECOND);
    let layer = TimeoutLayer::http().request_timeout(SECOND);
    let answer = layer.layer(service).oneshot(get()).await.unwrap();
    assert_eq!(Deadline::current(), None);
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "xxx"
    );
    assert_eq!(Deadline::current(), None);
    let log = log.lock().unwrap();
    assert!(
        log.iter().all(|(_, seen)| *seen == Some(deadline)),
        "{log:?}"
    );
    let of = |what| log.iter().filter(|(name, _)| *name == what).count();
    assert_eq!((of("call"), of("first"), of("second")), (1, 1, 1));
    assert!(of("body") > 3);
}

#[tokio::test(start_paused = true)]
async fn a_layer_within_another_only_ever_shortens_it() {
    let service = service_fn(|_: Request<Body>| async {
        let current = Deadline::current();
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(current);
        Ok::<_, Infallible>(response)
    });
    let (short, long) = (Deadline::after(SECOND), Deadline::after(2 * SECOND));
    let layer = |seconds: u32| TimeoutLayer::http().request_timeout(seconds * SECOND);
    for (outer, inner, holds) in [(1, 2, short), (2, 1, short), (2, 3, long)] {
        let service = layer(outer).layer(layer(inner).layer(service));
        let answer = service.oneshot(get()).await.unwrap();
        assert_eq!(answer.extensions().get(), Some(&Some(holds)));
    }
}
