//! Clients that know nothing of this crate: one connection each.

use std::net::SocketAddr;

use ::hyper::body::Incoming;
use ::hyper::client::conn::{http1, http2};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tower::Service;

/// A connection over HTTP/1, closed when this is dropped.
pub(crate) struct Http1 {
    send: http1::SendRequest<Empty<Bytes>>,
    connection: JoinHandle<()>,
}

impl Http1 {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let (send, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(async move { drop(connection.await) });
        Self { send, connection }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response<Incoming> {
        self.send.ready().await.unwrap();
        let request = Request::get(path).header("host", "here");
        let request = request.body(Empty::new()).unwrap();
        self.send.send_request(request).await.unwrap()
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// tonic's client over a connection of HTTP/2, which is closed with the last clone.
pub(crate) type Grpc = tonic::client::Grpc<Wire>;

type Call = Request<tonic::body::Body>;

/// What a channel of tonic's is: something that takes calls.
#[derive(Clone)]
pub(crate) struct Wire(http2::SendRequest<tonic::body::Body>);

impl Service<Call> for Wire {
    type Response = Response<Incoming>;
    type Error = ::hyper::Error;
    type Future = BoxFuture<'static, Result<Response<Incoming>, ::hyper::Error>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), ::hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        Box::pin(self.0.send_request(call))
    }
}

pub(crate) async fn grpc(server: SocketAddr) -> Grpc {
    let stream = TcpStream::connect(server).await.unwrap();
    let io = TokioIo::new(stream);
    let (send, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let origin: Uri = format!("http://{server}").parse().unwrap();
    tonic::client::Grpc::with_origin(Wire(send), origin)
}
