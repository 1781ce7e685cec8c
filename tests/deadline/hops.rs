//! A caller that stops waiting stops the work two services away: A asks B, B asks C, each behind a
//! `TimeoutLayer` and through an `Upstream`, over loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout};
use tower_upstream::timeout::{Deadline, Incoming, TimeoutLayer};
use tower_upstream::{Server, Upstream};

use super::stub::*;

const PLAIN: HeaderName = HeaderName::from_static("x-request-timeout");

/// How long the caller waits.
const PATIENCE: Duration = Duration::from_millis(300);

/// Far more than it takes, on any machine that runs tests.
const AT_MOST: Duration = Duration::from_secs(2);

/// When C began to work, and until when it thought it had time.
#[derive(Clone, Copy)]
struct Begun(Option<Deadline>);

/// Says when C stopped.
struct Work(UnboundedSender<Instant>);

impl Drop for Work {
    fn drop(&mut self) {
        let _ = self.0.send(Instant::now());
    }
}

async fn serve(app: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server::new(address.to_string())
}

fn to(server: Server) -> Upstream {
    let builder = Upstream::builder().server(server).keepalive(4);
    builder.deadline_header(PLAIN).build().unwrap()
}

/// A service that does nothing but ask the next one, and hands out what that says. No word of time.
fn asking(next: Upstream) -> Router {
    Router::new().fallback(move |_: Request<Body>| async move {
        let request = Request::get("/").body(Body::empty()).unwrap();
        match next.send(request).await {
            Ok(reply) => reply.map(Body::new),
            Err(error) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = error.status();
                response
            }
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Every service is told how much time is left.
    Told,
    /// Only A knows; the others notice that their connections close.
    Closed,
    /// Told, and C has begun to answer.
    Streaming,
}

/// Three services and what C says of its work.
struct Three {
    first: Upstream,
    begun: UnboundedReceiver<Begun>,
    stopped: UnboundedReceiver<Instant>,
}

async fn three(way: Way) -> Three {
    let (begin, begun) = unbounded_channel();
    let (stop, stopped) = unbounded_channel();
    let last = Router::new().fallback(move |request: Request<Body>| {
        let work = Work(stop.clone());
        let _ = begin.send(Begun(request.extensions().get().copied()));
        async move {
            if way != Way::Streaming {
                let () = std::future::pending().await;
            }
            let endless = futures_util::stream::unfold(work, |work| async {
                tokio::time::sleep(MS).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b"more")), work))
            });
            Response::new(Body::from_stream(endless))
        }
    });
    let layer = || TimeoutLayer::http().incoming(Incoming::trusting_all().header(PLAIN));
    let behind = |app: Router| match way {
        Way::Closed => app,
        _ => app.layer(layer()),
    };
    let last = to(serve(behind(last)).await);
    let second = to(serve(behind(asking(last))).await);
    let first = to(serve(asking(second).layer(layer())).await);
    Three {
        first,
        begun,
        stopped,
    }
}

/// How long after the caller's time was over C stopped.
async fn expire(three: &mut Three, way: Way) -> Duration {
    let over = Instant::now() + PATIENCE;
    let request = Request::get("/").header(PLAIN, PATIENCE.as_millis().to_string());
    // The caller's own patience is longer, so it is A that ends this.
    let reply = three
        .first
        .send(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    match way {
        Way::Streaming => {
            assert_eq!(reply.status(), StatusCode::OK);
            assert!(
                reply.into_body().collect().await.is_err(),
                "it was complete"
            );
        }
        _ => assert_eq!(reply.status(), StatusCode::GATEWAY_TIMEOUT),
    }
    let Begun(told) = three.begun.recv().await.unwrap();
    match way {
        Way::Closed => assert_eq!(told, None),
        _ => {
            // Each hop loses less than the millisecond the header rounds off, and gains its own way.
            let told = told.expect("C was told").instant();
            assert!(
                told > over - 10 * MS && told < over + AT_MOST,
                "{:?}",
                told - over
            );
        }
    }
    let stopped = timeout(AT_MOST, three.stopped.recv()).await;
    let stopped = stopped.expect("C works on").unwrap();
    // The millisecond that A's header and each Upstream's may round off.
    assert!(stopped + 10 * MS > over, "{:?} too early", over - stopped);
    stopped.saturating_duration_since(over)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_caller_stops_work_two_services_away() {
    for way in [Way::Told, Way::Closed, Way::Streaming] {
        let mut three = three(way).await;
        let mut late = Vec::new();
        for _ in 0..10 {
            late.push(expire(&mut three, way).await);
        }
        late.sort();
        assert!(late[9] < AT_MOST, "{way:?}: {late:?}");
        println!(
            "{way:?}: C stopped {:?} after the caller's time was over (worst {:?})",
            late[5], late[9]
        );
        assert!(
            three.stopped.try_recv().is_err(),
            "work that nobody asked for"
        );
    }
}

#[tokio::test]
async fn a_request_that_comes_too_late_goes_no_further() {
    let (begin, mut begun) = unbounded_channel();
    let seen = Arc::new(Mutex::new(0));
    let count = seen.clone();
    let last = Router::new().fallback(move || {
        let _ = begin.send(());
        async {}
    });
    let last = to(serve(last).await);
    // B takes all the time there is before it asks C.
    let second = Router::new().fallback(move || async move {
        *count.lock().unwrap() += 1;
        let late = Deadline::current().expect("told");
        std::thread::sleep(late.left());
        let request = Request::get("/").body(Body::empty()).unwrap();
        let error = last.send(request).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (tower_upstream::ErrorKind::Deadline, 0)
        );
        error.status()
    });
    let incoming = Incoming::trusting_all().header(PLAIN);
    let second = to(serve(second.layer(TimeoutLayer::http().incoming(incoming))).await);
    let request = Request::get("/").header(PLAIN, "50").body(Body::empty());
    let reply = second.send(request.unwrap()).await.unwrap();
    assert_eq!(reply.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(*seen.lock().unwrap(), 1);
    assert!(begun.try_recv().is_err(), "C was asked");
}
