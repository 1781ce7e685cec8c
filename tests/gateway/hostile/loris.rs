//! Clients that take their time, over TLS and in HTTP/2.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{MIB, Siege};
use crate::frames::{HEADERS, PREFACE, SETTINGS, frame};
use crate::raw_http2::{H2, head};
use crate::rig::{PATIENCE, Wire};

const CLIENTS: usize = 100;

/// Sends `bytes` to each, one at a time, until they are all gone, while others are served.
fn drip<S: Read + Write>(
    siege: &Siege,
    what: &str,
    mut clients: Vec<(TcpStream, S)>,
    bytes: &[u8],
) {
    let start = Instant::now();
    for (socket, _) in &clients {
        socket.set_nonblocking(true).expect("not to block");
    }
    let mut waits = Vec::new();
    let mut sent = 0;
    while !clients.is_empty() {
        let byte = bytes.get(sent).copied();
        sent += 1;
        clients.retain_mut(|(_, stream)| match stream.read(&mut [0; 512]) {
            Ok(0) => false,
            // Frames by which a server introduces itself, or says goodbye.
            Ok(_) => true,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                byte.is_none_or(|byte| stream.write_all(&[byte]).is_ok())
            }
            Err(_) => false,
        });
        let asked = Instant::now();
        siege.serves();
        waits.push(asked.elapsed());
        assert!(
            start.elapsed() < PATIENCE,
            "{what}: {} are still there",
            clients.len()
        );
        thread::sleep(Duration::from_millis(20));
    }
    let (took, worst) = (start.elapsed(), waits.iter().max());
    eprintln!("{what}: {CLIENTS} gone after {took:.1?}, others waited {worst:.1?} at worst");
    assert!(took > Duration::from_millis(300), "{what}: too soon");
}

fn plain(wire: Wire) -> (TcpStream, TcpStream) {
    let socket = wire.0.try_clone().expect("a second handle");
    (socket, wire.0)
}

#[test]
fn slow_clients_in_http2_end_on_time() {
    let siege = Siege::new("http2 on; client_body_timeout 500ms;", "");
    let knock = |begin: &dyn Fn() -> Wire| (0..CLIENTS).map(|_| plain(begin())).collect();
    let preface = || {
        let mut wire = siege.server.connect();
        wire.send(&PREFACE[..10]);
        wire
    };
    drip(&siege, "half a preface", knock(&preface), &PREFACE[10..23]);
    let settings = || {
        let mut wire = siege.server.connect();
        wire.send([PREFACE, &frame(SETTINGS, 0, 0, &[0; 60])[..9]].concat());
        wire
    };
    drip(&siege, "half of SETTINGS", knock(&settings), &[0; 30]);
    let header = || {
        let mut h2 = H2::to(siege.server.front);
        // A block of which little comes at a time.
        h2.wire.send(
            &frame(
                HEADERS,
                0,
                1,
                &head("GET", "/calm", &[("x", &"x".repeat(5000))]),
            )[..30],
        );
        h2.wire
    };
    drip(&siege, "half a header block", knock(&header), &[b'x'; 400]);
    siege.ends_within(16 * MIB);
}

#[test]
fn slow_clients_over_tls_end_on_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["a.test".to_owned()]).expect("a certificate");
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("a.pem"), cert.pem()).expect("a file");
    std::fs::write(path("a.key"), signing_key.serialize_pem()).expect("a file");
    let behind = crate::rig::free();
    let siege = Siege::new(
        &format!(
            "listen {behind} ssl; ssl_certificate {}; ssl_certificate_key {};",
            path("a.pem").display(),
            path("a.key").display()
        ),
        "",
    );
    let hello = |_| {
        let mut wire = Wire::to(behind);
        // A record that is to be 512 bytes long.
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
        plain(wire)
    };
    drip(
        &siege,
        "half a handshake",
        (0..CLIENTS).map(hello).collect(),
        &[b'x'; 400],
    );

    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let head = |_| {
        let name = ServerName::try_from("a.test").expect("a name");
        let client = ClientConnection::new(Arc::clone(&config), name).expect("a client");
        let wire = Wire::to(behind);
        let socket = wire.0.try_clone().expect("a second handle");
        let mut stream = StreamOwned::new(client, wire.0);
        stream
            .write_all(b"GET /slow HTTP/1.1\r\nX: ")
            .expect("half a head");
        (socket, stream)
    };
    drip(
        &siege,
        "half a head over TLS",
        (0..CLIENTS).map(head).collect(),
        &[b'x'; 400],
    );
    siege.ends_within(16 * MIB);
}
