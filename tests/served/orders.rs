//! A tonic service that answers, hangs or streams as it is asked to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use http::Response as HttpResponse;
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::service::Routes;
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status, Streaming};
use tower::{Layer, Service, service_fn};
use tower_upstream::BoxError;

use crate::hyper;
use crate::text::Text;

type Messages = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// What has been asked of it, and when streams end.
#[derive(Clone)]
pub(crate) struct Orders {
    pub(crate) calls: Arc<AtomicUsize>,
    /// Calls that are not over.
    pub(crate) running: Arc<AtomicUsize>,
    /// A permit for each stream that may end.
    pub(crate) ends: Arc<Semaphore>,
}

impl Orders {
    pub(crate) fn new() -> Self {
        Self {
            calls: Arc::default(),
            running: Arc::default(),
            ends: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    /// A server of its own, behind these layers.
    pub(crate) async fn serve<L, S, B>(&self, layers: L) -> SocketAddr
    where
        L: Layer<Routes, Service = S> + Clone + Send + Sync + 'static,
        S: Service<http::Request<Body>, Response = HttpResponse<B>> + Clone + Send + 'static,
        S: Service<http::Request<Body>, Error: Into<BoxError> + Send + Sync, Future: Send>,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().layer(layers).add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        address
    }
}

impl NamedService for Orders {
    const NAME: &'static str = "shop.Orders";
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Service<http::Request<Body>> for Orders {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<HttpResponse<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.calls.fetch_add(1, SeqCst);
        self.running.fetch_add(1, SeqCst);
        let running = Running(Arc::clone(&self.running));
        let ends = Arc::clone(&self.ends);
        Box::pin(async move {
            let mut grpc = Grpc::new(Text);
            Ok(match request.uri().path() {
                "/shop.Orders/Get" => {
                    let answer = grpc.unary(service_fn(get), request).await;
                    drop(running);
                    answer
                }
                _ => {
                    let mut kept = Some((running, ends));
                    let list = |_: Request<String>| {
                        let messages = messages(kept.take());
                        async { Ok::<_, Status>(Response::new(messages)) }
                    };
                    grpc.server_streaming(service_fn(list), request).await
                }
            })
        })
    }
}

/// `hang` never ends, `fail` fails.
async fn get(request: Request<String>) -> Result<Response<String>, Status> {
    let text = request.into_inner();
    if text == "hang" {
        std::future::pending::<()>().await;
    }
    match text.as_str() {
        "fail" => Err(Status::internal("as told")),
        _ => Ok(Response::new(text)),
    }
}

/// One message at once, another when the stream may end.
fn messages(kept: Option<(Running, Arc<Semaphore>)>) -> Messages {
    let first = stream::iter([Ok("begin".to_owned())]);
    let last = stream::once(async move {
        if let Some((_running, ends)) = &kept {
            ends.acquire()
                .await
                .map_err(|_| Status::aborted("over"))?
                .forget();
        }
        Ok("end".to_owned())
    });
    Box::pin(first.chain(last))
}

/// A client on a connection of its own.
pub(crate) struct Client(hyper::Grpc);

impl Client {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        Self(hyper::grpc(server).await)
    }

    pub(crate) async fn get(&mut self, text: &str) -> Result<String, Status> {
        self.ask(Request::new(text.to_owned())).await
    }

    pub(crate) async fn ask(&mut self, request: Request<String>) -> Result<String, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/shop.Orders/Get");
        let answer = self.0.unary(request, path, Text).await;
        answer.map(Response::into_inner)
    }

    pub(crate) async fn list(&mut self) -> Result<Streaming<String>, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/shop.Orders/List");
        let request = Request::new(String::new());
        let answer = self.0.server_streaming(request, path, Text).await;
        answer.map(Response::into_inner)
    }
}
