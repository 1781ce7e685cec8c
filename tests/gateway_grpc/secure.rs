//! `grpc_pass grpcs://`: calls over TLS, and `grpc_ssl_*`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::CertifiedKey;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::process;
use crate::rig::Server;
use crate::same::{fetch, say};
use crate::world::{caller, http};

/// Says over TLS what it was asked in HTTP/2. Where it is, and the file with its certificate.
async fn echo() -> (SocketAddr, PathBuf) {
    let names = vec!["orders.test".to_owned()];
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    let file = process::directory("certificate").join("orders.pem");
    fs::write(&file, cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let mut config = config
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let served = http2.serve_connection(TokioIo::new(stream), service_fn(say));
                let _ = served.await;
            });
        }
    });
    (address, file)
}

#[tokio::test]
async fn certificates_are_looked_at_as_told() {
    let (back, file) = echo().await;
    let trusted = format!(
        "grpc_ssl_verify on; grpc_ssl_trusted_certificate {};",
        file.display()
    );
    for (more, status) in [
        ("", "200"),
        ("TRUSTED grpc_ssl_name orders.test;", "200"),
        ("TRUSTED grpc_ssl_name other.test;", "502"),
        (
            "proxy_ssl_name other.test; TRUSTED grpc_ssl_name orders.test;",
            "200",
        ),
    ] {
        let more = more.replace("TRUSTED", &trusted);
        let http = http(&[back], "", &format!("grpc_pass grpcs://orders; {more}"));
        let mut answers = Vec::new();
        for start in [Server::gateway, Server::nginx] {
            let server = start(&http);
            let request = Request::post("http://any/x").header("te", "trailers");
            let request = request.body(Full::new(Bytes::from_static(b"x"))).unwrap();
            answers.push(fetch(&caller(&server), request).await);
            if status == "502" {
                server.wait_for("error.log", "upstream: \"grpcs://");
            }
        }
        assert!(answers[1].starts_with(status), "{more}: {}", answers[1]);
        assert_eq!(answers[0], answers[1], "{more}");
    }
}
