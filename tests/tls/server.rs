//! A server that tells its clients what it saw of their handshake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{HandshakeKind, ServerConfig};

pub(crate) struct Secure {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Secure {
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }
}

pub(crate) async fn server(config: ServerConfig) -> Secure {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                count.fetch_add(1, SeqCst);
                let (_, tls) = stream.get_ref();
                let agreed = tls.alpn_protocol().unwrap_or(b"-").to_vec();
                let seen = format!(
                    "{} sni {} {} client {}",
                    String::from_utf8_lossy(&agreed),
                    tls.server_name().unwrap_or("-"),
                    match tls.handshake_kind() {
                        Some(HandshakeKind::Resumed) => "resumed",
                        _ => "full",
                    },
                    if tls.peer_certificates().is_some() {
                        "yes"
                    } else {
                        "no"
                    },
                );
                let answer = service_fn(move |request: Request<Incoming>| {
                    let text = format!("{:?} {seen}", request.version());
                    async { Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(text)))) }
                });
                let io = TokioIo::new(stream);
                let _ = match agreed.as_slice() {
                    b"h2" => {
                        let builder =
                            hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        builder.serve_connection(io, answer).await
                    }
                    _ => {
                        let builder = hyper::server::conn::http1::Builder::new();
                        builder.serve_connection(io, answer).await
                    }
                };
            });
        }
    });
    Secure { address, accepted }
}
