//! Which connections serve whom, and for how long certificates hold.

use std::fs;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Files, server};
use crate::rig::{PATIENCE, Server, backend, header, status};

/// One idle connection per way of speaking, and never another's.
#[test]
fn an_idle_connection_serves_only_those_who_ask_for_the_same() {
    let files = Files::new();
    let back = server(files.ours.optional_server(&["orders.test"]));
    let gateway = Server::gateway(&files.fill(&format!(
        "access_log off; upstream u {{ server {}; keepalive 8; }}
         proxy_http_version 1.1; proxy_set_header Connection \"\";
         server {{ listen @FRONT;
         location /a {{ proxy_pass https://u; }}
         location /also {{ proxy_pass https://u; }}
         location /known {{ proxy_pass https://u; proxy_ssl_certificate @DIR/client.test.pem;
            proxy_ssl_certificate_key @DIR/client.test.key; }}
         location /plain {{ proxy_pass http://u; proxy_next_upstream off; }} }}",
        back.address
    )));
    for _ in 0..3 {
        for (path, says) in [
            ("/a", "client no"),
            ("/known", "client yes"),
            ("/also", "client no"),
        ] {
            let answer = gateway.ask(format!("GET {path} HTTP/1.0\r\n\r\n"));
            assert!(answer.contains(says), "{path}: {answer}");
        }
        let plain = gateway.ask("GET /plain HTTP/1.0\r\n\r\n");
        assert_eq!(status(&plain), 502, "{plain}");
    }
    assert_eq!(back.accepted(), 2, "one without a certificate, one with");
}

/// `$upstream_connect_time` is the time to a connection that can be used.
#[test]
fn a_handshake_counts_as_connecting() {
    let files = Files::new();
    let back = server(files.ours.numbered(1, &[]));
    let lag = Duration::from_millis(120);
    let behind = backend(move |wire| {
        std::thread::sleep(lag);
        let to = TcpStream::connect(back.address).expect("a server");
        let (mut from, mut back) = (wire.0.try_clone().unwrap(), to.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut back));
        let (mut from, mut back) = (to, wire.0);
        let _ = std::io::copy(&mut from, &mut back);
    });
    let gateway = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; add_header X-T $upstream_connect_time always;
         location / {{ proxy_pass https://{behind}; }}
         location /short {{ proxy_pass https://{behind}; proxy_connect_timeout 50ms; }} }}"
    ));
    let answer = gateway.ask("GET / HTTP/1.0\r\n\r\n");
    let time: f64 = header(&answer, "x-t")
        .and_then(|t| t.parse().ok())
        .expect("a time");
    assert!(time >= lag.as_secs_f64(), "{answer}");
    let late = gateway.ask("GET /short HTTP/1.0\r\n\r\n");
    assert_eq!(
        (status(&late), header(&late, "x-t")),
        (504, Some("-")),
        "{late}"
    );
}

/// Files are read when the configuration is, and again when it is read again.
#[test]
fn certificates_are_read_again_on_hup() {
    let files = Files::new();
    let back = server(files.ours.numbered(1, &[]));
    let gateway = Server::gateway(&files.fill(&format!(
        "access_log off; server {{ listen @FRONT; location / {{ proxy_pass https://{};
         proxy_ssl_verify on; proxy_ssl_name orders.test; proxy_next_upstream off;
         proxy_ssl_trusted_certificate @DIR/ours.pem; }} }}",
        back.address
    )));
    let ask = || status(&gateway.ask("GET / HTTP/1.0\r\n\r\n"));
    let until = |wanted: u16| {
        let start = Instant::now();
        while ask() != wanted {
            assert!(start.elapsed() < PATIENCE, "never {wanted}");
        }
    };
    assert_eq!(ask(), 200);
    files.theirs.write(&files.path().join("ours.pem"));
    assert_eq!(ask(), 200, "nobody has asked it to look again");
    gateway.process.signal("HUP");
    until(502);
    // One that cannot be read changes nothing.
    fs::write(files.path().join("ours.pem"), "nothing").unwrap();
    gateway.process.signal("HUP");
    gateway.wait_for("error.log", "cannot load trusted certificate");
    assert_eq!(ask(), 502);
    files.ours.write(&files.path().join("ours.pem"));
    gateway.process.signal("HUP");
    until(200);
}

/// A group that is only spoken to over TLS is looked at over TLS.
#[test]
fn active_checks_go_over_tls() {
    let files = Files::new();
    let back = server(files.ours.numbered(1, &[]));
    let gateway = Server::gateway(&files.fill(&format!(
        "access_log off; upstream u {{ server {}; active_check uri=/ interval=50ms unsure=10ms mandatory; }}
         server {{ listen @FRONT; location / {{ proxy_pass https://u; }} }}",
        back.address
    )));
    gateway.wait_for("error.log", "peer is healthy");
    assert_eq!(status(&gateway.ask("GET / HTTP/1.0\r\n\r\n")), 200);
}
