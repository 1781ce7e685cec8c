//! A tonic server behind layers of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status};
use tower::{Service, ServiceBuilder, service_fn};
use tower_upstream::BoxError;
use tower_upstream::limit::bulkhead::{BulkheadLayer, Handle, Queue};
use tower_upstream::timeout::{Incoming, TimeoutLayer};

use crate::ALL;
use crate::text::Text;

/// A server with a runtime of its own, so that killing it takes its connections along.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
    places: Handle,
}

impl Backend {
    pub(crate) fn start(name: &'static str) -> Result<Self, BoxError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;

        // Refusals are statuses: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED.
        let bulkhead = BulkheadLayer::http(64).queue(Queue::default()).build()?;
        let places = bulkhead.handle();
        let timeout = TimeoutLayer::http()
            .request_timeout(Duration::from_secs(30))
            .incoming(Incoming::trusting_all());
        let layers = ServiceBuilder::new().layer(timeout).layer(bulkhead);

        runtime.spawn(async move {
            let incoming = TcpIncoming::from(TcpListener::from_std(listener)?);
            let mut server = Server::builder().layer(layers.into_inner());
            let server = server.add_service(Orders(name));
            server.serve_with_incoming(incoming).await?;
            Ok::<_, BoxError>(())
        });
        Ok(Self {
            name,
            address,
            runtime: Some(runtime),
            places,
        })
    }

    /// Calls that are not over, streams among them.
    pub(crate) fn calls(&self) -> usize {
        self.places.snapshot().in_flight
    }
}

/// Kills it.
impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// `shop.Orders`, by the name of its server.
#[derive(Clone, Copy)]
struct Orders(&'static str);

impl NamedService for Orders {
    const NAME: &'static str = "shop.Orders";
}

impl Service<http::Request<Body>> for Orders {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self(name) = *self;
        Box::pin(async move {
            let mut grpc = Grpc::new(Text);
            Ok(match request.uri().path() {
                "/shop.Orders/Get" => {
                    let get = |request| get(name, request);
                    grpc.unary(service_fn(get), request).await
                }
                "/shop.Orders/Watch" => {
                    let watch = |request| watch(name, request);
                    grpc.server_streaming(service_fn(watch), request).await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

async fn get(name: &'static str, request: Request<String>) -> Result<Response<String>, Status> {
    if request.get_ref() == "later" {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(Response::new(name.to_owned()))
}

type Messages = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// Its name and a number, every ten milliseconds, until all have been sent.
async fn watch(name: &'static str, request: Request<String>) -> Result<Response<Messages>, Status> {
    let from: u32 = request
        .get_ref()
        .parse()
        .map_err(|_| Status::invalid_argument("no number"))?;
    let messages = stream::iter(from..=ALL).then(move |number| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(format!("{name} {number}"))
    });
    Ok(Response::new(Box::pin(messages)))
}
