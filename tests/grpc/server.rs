//! tonic servers, each with a runtime of its own, so that one can be killed as a process is.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService};
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status, Streaming};
use tower::{Service, service_fn};

use crate::text::Text;

type Messages = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// What a server does and what it has seen.
#[derive(Default)]
pub(crate) struct Told {
    name: String,
    /// Calls come to this, if there is something.
    pub(crate) status: Mutex<Option<Status>>,
    pub(crate) calls: AtomicUsize,
    /// Calls that are not over.
    pub(crate) running: AtomicUsize,
    /// Messages produced for streams.
    pub(crate) produced: AtomicUsize,
    /// Of the last call.
    pub(crate) metadata: Mutex<MetadataMap>,
}

pub(crate) struct Orders {
    pub(crate) address: SocketAddr,
    pub(crate) told: Arc<Told>,
    runtime: Option<Runtime>,
}

impl Orders {
    pub(crate) fn start(name: &str) -> Self {
        Self::at(name, "127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn at(name: &str, address: SocketAddr) -> Self {
        let told = Arc::new(Told {
            name: name.to_owned(),
            ..Told::default()
        });
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let service = OrdersService(Arc::clone(&told));
        runtime.spawn(async move {
            let incoming = TcpIncoming::from(TcpListener::from_std(listener).unwrap());
            let server = Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await
        });
        Self {
            address,
            told,
            runtime: Some(runtime),
        }
    }

    /// Calls come to this from now on.
    pub(crate) fn answers(&self, status: Status) {
        *self.told.status.lock().unwrap() = Some(status);
    }

    pub(crate) fn calls(&self) -> usize {
        self.told.calls.load(SeqCst)
    }

    pub(crate) fn produced(&self) -> usize {
        self.told.produced.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.told.running.load(SeqCst)
    }

    /// Its connections are gone, and nobody listens any more.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A call that is not over.
struct Running(Arc<Told>);

impl Running {
    fn begin(told: &Arc<Told>) -> Self {
        told.running.fetch_add(1, SeqCst);
        Self(Arc::clone(told))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

#[derive(Clone)]
struct OrdersService(Arc<Told>);

impl NamedService for OrdersService {
    const NAME: &'static str = "shop.Orders";
}

impl Service<http::Request<Body>> for OrdersService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let told = Arc::clone(&self.0);
        Box::pin(async move {
            told.calls.fetch_add(1, SeqCst);
            *told.metadata.lock().unwrap() = MetadataMap::from_headers(request.headers().clone());
            let running = Running::begin(&told);
            let mut grpc = Grpc::new(Text);
            Ok(match request.uri().path() {
                "/shop.Orders/Get" => {
                    let get = |request: Request<String>| get(Arc::clone(&told), request);
                    grpc.unary(service_fn(get), request).await
                }
                "/shop.Orders/Put" => {
                    let put = |request| put(Arc::clone(&told), request);
                    grpc.client_streaming(service_fn(put), request).await
                }
                "/shop.Orders/List" => {
                    let mut running = Some(running);
                    let list = |request| list(Arc::clone(&told), request, running.take());
                    grpc.server_streaming(service_fn(list), request).await
                }
                "/shop.Orders/Talk" => {
                    let mut running = Some(running);
                    let talk = |request| talk(Arc::clone(&told), request, running.take());
                    grpc.streaming(service_fn(talk), request).await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

fn refused(told: &Told) -> Result<(), Status> {
    told.status.lock().unwrap().clone().map_or(Ok(()), Err)
}

/// Says who answered. `hang` never does.
async fn get(told: Arc<Told>, request: Request<String>) -> Result<Response<String>, Status> {
    refused(&told)?;
    if request.get_ref() == "hang" {
        std::future::pending::<()>().await;
    }
    Ok(Response::new(format!(
        "{} {}",
        told.name,
        request.get_ref()
    )))
}

/// Puts all messages together; after `wait` it reads no more.
async fn put(
    told: Arc<Told>,
    request: Request<Streaming<String>>,
) -> Result<Response<String>, Status> {
    refused(&told)?;
    let mut messages = request.into_inner();
    let mut all = told.name.clone();
    while let Some(message) = messages.message().await? {
        if message == "wait" {
            std::future::pending::<()>().await;
        }
        all = format!("{all} {message}");
    }
    Ok(Response::new(all))
}

/// `3 abc` is three messages; the status told comes after them. Without a number they never end.
async fn list(
    told: Arc<Told>,
    request: Request<String>,
    running: Option<Running>,
) -> Result<Response<Messages>, Status> {
    let (many, text) = request.get_ref().split_once(' ').unwrap_or(("", "x"));
    let (many, text) = (many.parse().unwrap_or(usize::MAX), text.to_owned());
    if many == 0 {
        refused(&told)?;
    }
    let end = Arc::clone(&told);
    let messages = stream::iter(0..many).map(move |_| {
        let _ = &running;
        told.produced.fetch_add(1, SeqCst);
        Ok(text.clone())
    });
    let last = stream::once(async move { refused(&end) });
    let last = last.filter_map(|said| async { said.err().map(Err) });
    Ok(Response::new(Box::pin(messages.chain(last))))
}

/// Answers every message with it, at once; `bye` is the last. With `deaf` among its metadata it reads
/// nothing, and says nothing.
async fn talk(
    told: Arc<Told>,
    request: Request<Streaming<String>>,
    running: Option<Running>,
) -> Result<Response<Messages>, Status> {
    refused(&told)?;
    let deaf = request.metadata().contains_key("deaf");
    let messages = request.into_inner();
    if deaf {
        let kept = (messages, running);
        let never = stream::once(async move {
            std::future::pending::<()>().await;
            drop(kept);
            Ok(String::new())
        });
        return Ok(Response::new(Box::pin(never)));
    }
    let answers = stream::unfold((messages, running), move |(mut messages, running)| {
        let told = Arc::clone(&told);
        async move {
            let message = messages.message().await.ok()??;
            if message == "bye" {
                return None;
            }
            told.produced.fetch_add(1, SeqCst);
            Some((Ok(format!("{} {message}", told.name)), (messages, running)))
        }
    });
    Ok(Response::new(Box::pin(answers)))
}

/// Waits, within reason, until something is so.
pub(crate) async fn until(mut so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to be");
}
