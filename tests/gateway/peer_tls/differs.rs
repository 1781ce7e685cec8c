//! Rows of the guide's parity page: where OpenSSL and rustls do not believe the same.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{Files, runtime, server};
use crate::rig::{Server, status};

fn showing(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder().with_no_client_auth();
    config
        .with_single_cert(vec![certificate], key.into())
        .unwrap()
}

/// A certificate that vouches for itself, and the file that trusts it.
fn itself(files: &Files, name: &str, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["orders.test".to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(files.path().join(name), certificate.pem()).unwrap();
    showing(certificate.der().clone(), &key)
}

/// A server whose answer ends with the connection, in the way TLS has for it or just so.
fn ending(config: ServerConfig, properly: bool) -> SocketAddr {
    let listener = runtime()
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    runtime().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
                .await
                .unwrap();
            stream.flush().await.unwrap();
            if properly {
                stream.shutdown().await.unwrap();
            }
        }
    });
    address
}

/// Whoever cuts the connection off might as well cut the body short.
#[test]
fn a_body_that_ends_with_the_connection_has_to_end_with_tls() {
    let files = Files::new();
    for (properly, nginxs, ours) in [
        (true, "0\r\n\r\n", "0\r\n\r\n"),
        (false, "0\r\n\r\n", "hello\r\n"),
    ] {
        let back = ending(files.ours.server(&["orders.test"]), properly);
        let http = format!(
            "access_log off; server {{ listen @FRONT; location / {{ proxy_pass https://{back}; }} }}"
        );
        let ask =
            |server: Server| server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = ask(Server::nginx(&http));
        assert!(answer.ends_with(nginxs), "nginx: {answer:?}");
        let answer = ask(Server::gateway(&http));
        assert!(
            answer.contains("hello") && answer.ends_with(ours),
            "the gateway: {answer:?}"
        );
    }
}

#[test]
fn who_is_believed() {
    let files = Files::new();
    let between = files.ours.below("between");
    between.write(&files.path().join("between.pem"));
    let plain = server(itself(&files, "plain.pem", |_| {}));
    let authority = server(itself(&files, "authority.pem", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }));
    let common = server(itself(&files, "common.pem", |params| {
        params.subject_alt_names.clear();
        params
            .distinguished_name
            .push(DnType::CommonName, "orders.test");
    }));
    let address = server(itself(&files, "address.pem", |params| {
        *params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    }));
    let under = server(between.server(&["orders.test"]));
    let mut locations = String::new();
    for (name, secure) in [
        ("plain", &plain),
        ("authority", &authority),
        ("common", &common),
        ("between", &under),
        ("address", &address),
    ] {
        let asked = match name {
            "address" => "127.0.0.1",
            _ => "orders.test",
        };
        locations += &format!(
            "location /{name} {{ proxy_pass https://{}; proxy_ssl_name {asked};
             proxy_ssl_trusted_certificate @DIR/{name}.pem; }}",
            secure.address
        );
    }
    let http = files.fill(&format!(
        "access_log off; proxy_ssl_verify on; server {{ listen @FRONT; {locations} }}"
    ));
    let (nginx, gateway) = (Server::nginx(&http), Server::gateway(&http));
    for (name, nginxs, ours) in [
        ("plain", 200, 200),
        ("authority", 200, 502),
        ("common", 200, 502),
        ("between", 502, 200),
        ("address", 502, 200),
    ] {
        let ask = |server: &Server| {
            let answer = server.ask(format!("GET /{name} HTTP/1.0\r\n\r\n"));
            (status(&answer), server.process.read("error.log"))
        };
        let (found, log) = ask(&nginx);
        assert_eq!(found, nginxs, "nginx, {name}:\n{log}");
        let (found, log) = ask(&gateway);
        assert_eq!(found, ours, "the gateway, {name}:\n{log}");
    }
}
