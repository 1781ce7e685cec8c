use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
#[cfg(feature = "http2")]
use http::uri::Authority;
use http::{HeaderValue, Method, Request};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::failure::Failure;
#[cfg(feature = "http2")]
use super::grpc;
use crate::classify::Condition;
use crate::classify::http::connect_condition;
#[cfg(feature = "tls")]
use crate::connect::Tls;
use crate::connect::{Address, Handshake, Keeper, Target, connect, reach};
use crate::error::BoxError;
#[cfg(feature = "http2")]
use crate::upstream::config::GrpcProbe;
use crate::upstream::config::{HealthCheck, HttpProbe, Probe, ProbeMethod, Statuses};

/// An answer is read to its end if that comes within so many bytes; what a server says at greater
/// length is left unread.
const MOST: usize = 16 * 1024;

/// What is done for one look at a server.
#[derive(Clone, Debug)]
pub(super) struct Look {
    ask: Ask,
    port: Option<u16>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<Tls>>,
}

#[derive(Clone, Debug)]
enum Ask {
    Http(Arc<(Request<Nothing>, Statuses)>),
    Tcp,
    #[cfg(feature = "http2")]
    Grpc(Arc<(GrpcProbe, String)>),
}

impl Look {
    /// `host` is what servers are called unless the check says otherwise.
    pub(super) fn new(check: &HealthCheck, host: &str) -> Result<Self, http::Error> {
        let ask = match &check.probe {
            Probe::Http(probe) => {
                Ask::Http(Arc::new((request(probe, host)?, probe.status.clone())))
            }
            Probe::Tcp => Ask::Tcp,
            #[cfg(feature = "http2")]
            Probe::Grpc(probe) => {
                let host = probe.host.as_deref().unwrap_or(host);
                host.parse::<Authority>()?;
                Ask::Grpc(Arc::new((probe.clone(), host.to_owned())))
            }
            // A problem of the configuration.
            #[cfg(not(feature = "http2"))]
            Probe::Grpc(_) => Ask::Tcp,
        };
        Ok(Self {
            ask,
            port: check.port,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Looks in this way; what only connects does so without.
    #[cfg(feature = "tls")]
    pub(super) fn over(&mut self, tls: Tls) {
        self.tls = Some(Arc::new(tls));
    }

    /// Looks over a connection of its own; `origin` is the server's line as it was written.
    #[cfg_attr(not(feature = "tls"), allow(unused_variables))]
    pub(super) async fn at(self, address: Arc<str>, origin: Arc<str>) -> Result<(), Failure> {
        let mut address = address.parse().map_err(|error| unreachable(&error))?;
        if let (Address::Tcp(socket), Some(port)) = (&mut address, self.port) {
            socket.set_port(port);
        }
        let target = Target {
            #[cfg(feature = "tls")]
            tls: self.tls.map(|tls| (tls, origin)),
            ..Target::plain(&address)
        };
        match self.ask {
            Ask::Http(asked) => {
                let (request, fine) = &*asked;
                ask(&target, request.clone(), fine).await
            }
            #[cfg(feature = "http2")]
            Ask::Grpc(asked) => {
                let (probe, host) = &*asked;
                grpc::ask(&target, probe, host).await
            }
            Ask::Tcp => {
                let reached = reach(&address).await;
                reached.map_err(|error| not_connected(error.into()))
            }
        }
    }
}

fn request(probe: &HttpProbe, host: &str) -> Result<Request<Nothing>, http::Error> {
    let method = match probe.method {
        ProbeMethod::Get => Method::GET,
        ProbeMethod::Head => Method::HEAD,
    };
    let host = HeaderValue::from_str(probe.host.as_deref().unwrap_or(host))?;
    Request::builder()
        .method(method)
        .uri(&probe.path)
        .header(HOST, host)
        .header(CONNECTION, HeaderValue::from_static("close"))
        .body(Nothing)
}

async fn ask(target: &Target, request: Request<Nothing>, fine: &Statuses) -> Result<(), Failure> {
    let mut conn = connect(target, once()).await.map_err(not_connected)?;
    let ready = poll_fn(|cx| conn.poll_ready(cx)).await;
    ready.map_err(|error| broken(&error))?;
    conn.meter.begin(false);
    conn.send(request);
    let reply = poll_fn(|cx| conn.poll_reply(cx)).await;
    let reply = reply.map_err(|error| broken(&error.into_error()))?;
    let status = reply.status();
    if !fine.contains(status.as_u16()) {
        return Err(Failure::Status(status));
    }
    read(reply.into_body()).await
}

async fn read(body: Incoming) -> Result<(), Failure> {
    let (mut body, mut length) = (pin!(body), 0);
    while length <= MOST {
        match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            None => break,
            Some(Ok(frame)) => length += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(error)) => return Err(broken(&error)),
        }
    }
    Ok(())
}

fn unreachable(error: &std::io::Error) -> Failure {
    Failure::Connect(error.to_string())
}

pub(super) fn not_connected(error: BoxError) -> Failure {
    match connect_condition(&error) {
        Condition::Exhausted => Failure::Exhausted(error.to_string()),
        _ => Failure::Connect(told(&*error)),
    }
}

pub(super) fn broken(error: &hyper::Error) -> Failure {
    Failure::Answer(told(error))
}

/// What happened is often said one level down.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The body of a request that has none.
#[derive(Clone, Copy, Debug)]
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// For a connection of one request.
pub(super) fn once() -> Handshake<Nobody> {
    Handshake {
        id: 0,
        idle: None,
        keeper: Nobody,
    }
}

/// Connections of looks are kept by nobody.
pub(super) struct Nobody;

impl Keeper for Nobody {
    fn expire(&self, _: u64) -> Result<(), Instant> {
        Ok(())
    }

    fn ended(&self, _: u64) {}
}
