//! The same as `hops` over gRPC: tonic's services and clients, `grpc-timeout` from hop to hop. They are
//! served by hyper alone, since tonic's own server reads that header, too.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use http::uri::PathAndQuery;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout};
use tonic::body::Body;
use tonic::{Code, Request, Response, Status, Streaming};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_upstream::timeout::{Deadline, Incoming, TimeoutLayer};
use tower_upstream::upstream::Channel;
use tower_upstream::{Http2, Server, Upstream};

use super::stub::*;
use super::text::Text;

/// How long the caller waits.
const PATIENCE: Duration = Duration::from_millis(300);

/// Far more than it takes, on any machine that runs tests.
const AT_MOST: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Every service is told how much time is left.
    Told,
    /// Only A knows; the others notice that their streams are reset.
    Reset,
    /// Told, and C streams.
    Streaming,
}

const GET: &str = "/shop.Orders/Get";
const LIST: &str = "/shop.Orders/List";

/// tonic's client, over whatever it is.
#[derive(Clone)]
struct Client(tonic::client::Grpc<Channel>);

impl Client {
    async fn get(&mut self, request: Request<String>) -> Result<Response<String>, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static(GET);
        self.0.unary(request, path, Text).await
    }

    async fn list(
        &mut self,
        request: Request<String>,
    ) -> Result<Response<Streaming<String>>, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static(LIST);
        self.0.server_streaming(request, path, Text).await
    }
}

/// A and B ask the next one, without a word of time; C works, and says when it begins and stops.
#[derive(Clone)]
enum Hop {
    Asks(Client),
    Works(UnboundedSender<Option<Deadline>>, UnboundedSender<Instant>),
}

struct Work(UnboundedSender<Instant>);

impl Drop for Work {
    fn drop(&mut self) {
        let _ = self.0.send(Instant::now());
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl Hop {
    async fn get(self, _: Request<String>) -> Result<Response<String>, Status> {
        match self {
            Self::Asks(mut next) => next.get(Request::new(String::new())).await,
            Self::Works(begin, stop) => {
                let _working = Work(stop);
                begin.send(Deadline::current()).unwrap();
                std::future::pending().await
            }
        }
    }

    async fn list(self, _: Request<String>) -> Result<Response<Messages>, Status> {
        Ok(Response::new(match self {
            Self::Asks(mut next) => {
                let messages = next.list(Request::new(String::new())).await?;
                Box::pin(messages.into_inner())
            }
            Self::Works(begin, stop) => {
                let work = Work(stop);
                begin.send(Deadline::current()).unwrap();
                Box::pin(stream::unfold(work, |work| async {
                    tokio::time::sleep(MS).await;
                    Some((Ok("more".to_owned()), work))
                }))
            }
        }))
    }
}

impl Service<http::Request<Body>> for Hop {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let hop = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Text);
            Ok(match request.uri().path() {
                GET => {
                    let get = |request| hop.clone().get(request);
                    grpc.unary(service_fn(get), request).await
                }
                _ => {
                    let list = |request| hop.clone().list(request);
                    grpc.server_streaming(service_fn(list), request).await
                }
            })
        })
    }
}

/// A client for a hop that is told the time, or is not.
async fn serve(hop: Hop, told: bool) -> Client {
    let mut layer = TimeoutLayer::http();
    if told {
        layer = layer.incoming(Incoming::trusting_all());
    }
    let service = layer
        .layer(hop)
        .map_request(|request: http::Request<hyper::body::Incoming>| request.map(Body::new));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    let upstream = Upstream::builder()
        .server(Server::new(address.to_string()))
        .http2(Http2::default())
        .build()
        .unwrap();
    Client(tonic::client::Grpc::new(upstream.channel()))
}

struct Three {
    first: Client,
    begun: UnboundedReceiver<Option<Deadline>>,
    stopped: UnboundedReceiver<Instant>,
}

async fn three(way: Way) -> Three {
    let told = way != Way::Reset;
    let (begin, begun) = unbounded_channel();
    let (stop, stopped) = unbounded_channel();
    let last = serve(Hop::Works(begin, stop), told).await;
    let second = serve(Hop::Asks(last), told).await;
    let first = serve(Hop::Asks(second), true).await;
    Three {
        first,
        begun,
        stopped,
    }
}

/// How long after the caller's time was over C stopped.
async fn expire(three: &mut Three, way: Way) -> Duration {
    let over = Instant::now() + PATIENCE;
    let mut request = Request::new(String::new());
    request.set_timeout(PATIENCE);
    let status = match way {
        Way::Streaming => {
            let mut messages = three.first.list(request).await.unwrap().into_inner();
            loop {
                match messages.message().await {
                    Ok(message) => assert!(message.is_some(), "it was complete"),
                    Err(status) => break status,
                }
            }
        }
        _ => three.first.get(request).await.unwrap_err(),
    };
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let told = three.begun.recv().await.unwrap();
    match way {
        Way::Reset => assert_eq!(told, None),
        _ => {
            let told = told.expect("C was told").instant();
            let about = over - 10 * MS..over + AT_MOST;
            assert!(about.contains(&told), "{:?}", told - over);
        }
    }
    let stopped = timeout(AT_MOST, three.stopped.recv()).await;
    let stopped = stopped.expect("C works on").unwrap();
    assert!(stopped + 10 * MS > over, "{:?} too early", over - stopped);
    stopped.saturating_duration_since(over)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_caller_stops_work_two_services_away() {
    for way in [Way::Told, Way::Reset, Way::Streaming] {
        let mut three = three(way).await;
        let mut late = Vec::new();
        for _ in 0..10 {
            late.push(expire(&mut three, way).await);
        }
        late.sort();
        assert!(late[9] < AT_MOST, "{way:?}: {late:?}");
        println!(
            "gRPC, {way:?}: C stopped {:?} after the caller's time was over (worst {:?})",
            late[5], late[9]
        );
        assert!(
            three.stopped.try_recv().is_err(),
            "work that nobody asked for"
        );
    }
}
