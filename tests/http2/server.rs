//! HTTP/2 servers that do what a test tells them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_upstream::{Group, GroupConfig, Http2, Proxy, Semantics, Server, Upstream};

pub(crate) struct H2 {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// Connections open now.
    open: Arc<AtomicUsize>,
    leave: watch::Sender<bool>,
}

impl H2 {
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(SeqCst)
    }

    /// Every connection says goodbye, and ends with its last request.
    pub(crate) fn say_goodbye(&self) {
        self.leave.send_replace(true);
    }
}

/// Answers with path, version and body after the milliseconds in the `x-takes` header, and as many
/// trailers of a thousand bytes as `x-trailers` says; at most
/// `streams` at a time on one connection.
pub(crate) async fn server(streams: u32) -> H2 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (leave, left) = watch::channel(false);
    let (a, o) = (Arc::clone(&accepted), Arc::clone(&open));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            a.fetch_add(1, SeqCst);
            o.fetch_add(1, SeqCst);
            let (o, mut left) = (Arc::clone(&o), left.clone());
            tokio::spawn(async move {
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                builder.max_concurrent_streams(streams);
                let served = builder.serve_connection(TokioIo::new(stream), service_fn(answer));
                let mut served = std::pin::pin!(served);
                let already = *left.borrow();
                tokio::select! {
                    _ = &mut served => {}
                    () = told(&mut left, already) => {
                        served.as_mut().graceful_shutdown();
                        let _ = served.await;
                    }
                }
                o.fetch_sub(1, SeqCst);
            });
        }
    });
    H2 {
        address,
        accepted,
        open,
        leave,
    }
}

async fn told(left: &mut watch::Receiver<bool>, already: bool) {
    let _ = left.wait_for(|leave| *leave != already).await;
}

async fn answer(
    request: Request<Incoming>,
) -> hyper::Result<Response<UnsyncBoxBody<Bytes, Infallible>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if let Some(takes) = head.headers.get("x-takes") {
        let takes = takes.to_str().ok().and_then(|ms| ms.parse().ok());
        tokio::time::sleep(Duration::from_millis(takes.unwrap_or(0))).await;
    }
    let host = head.uri.authority().map_or("-", |a| a.as_str());
    let text = format!(
        "{:?} {host}{} {}",
        head.version,
        head.uri.path(),
        body.len()
    );
    let many = head.headers.get("x-trailers").and_then(|n| n.to_str().ok());
    let trailers = many.and_then(|n| n.parse().ok()).map(|many: usize| {
        let name = |n| HeaderName::try_from(format!("x-{n}")).unwrap();
        let value = HeaderValue::try_from("v".repeat(1000)).unwrap();
        (0..many).map(|n| (name(n), value.clone())).collect()
    });
    let body = Full::new(text.into()).with_trailers(async { trailers.map(Ok) });
    Ok(Response::new(body.boxed_unsync()))
}

pub(crate) fn upstream(servers: &[&H2], semantics: Semantics, http2: Http2) -> Upstream {
    keeping(0, servers, semantics, http2)
}

/// The same with `keepalive`.
pub(crate) fn keeping(
    connections: usize,
    servers: &[&H2],
    semantics: Semantics,
    http2: Http2,
) -> Upstream {
    let mut config = GroupConfig::new("orders");
    config.keepalive.connections = connections;
    let servers = servers.iter().map(|h2| Server::new(h2.address.to_string()));
    config.servers = servers.collect();
    config.semantics = semantics;
    config.keepalive.timeout = Duration::from_secs(1);
    let proxy = Proxy {
        http2: Some(http2),
        read_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
        ..Proxy::default()
    };
    Upstream::new(Group::new(config).unwrap(), proxy)
}

/// Status and text of an answer.
pub(crate) async fn fetch(upstream: &Upstream, takes: u64, body: &'static str) -> (u16, String) {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = Request::builder()
        .method(method)
        .uri("/a")
        .header("x-takes", takes)
        .header("connection", "close")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap();
    match upstream.send(request).await {
        Ok(reply) => {
            let status = reply.status().as_u16();
            let body = reply.into_body().collect().await;
            let text = body.map_or_else(
                |e| e.to_string(),
                |b| String::from_utf8_lossy(&b.to_bytes()).into_owned(),
            );
            (status, text)
        }
        Err(error) => (error.status().as_u16(), error.to_string()),
    }
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
