//! The same file for nginx and the gateway: the same statuses, and servers that see the same.

use super::{Files, server};
use crate::rig::{Server, backend, header, status};

const HTTP: &str = "
access_log off;
proxy_ssl_trusted_certificate @DIR/ours.pem;
upstream orders.test { server @GOOD; }
upstream two { server @PLAIN; server @GOOD; }
server {
    listen @FRONT;
    add_header X-Tries $upstream_status always;
    location /off { proxy_pass https://@GOOD; }
    location /off/stranger { proxy_pass https://@STRANGER; }
    location /group { proxy_pass https://orders.test; proxy_ssl_verify on; }
    location /group/sni { proxy_pass https://orders.test; proxy_ssl_verify on;
        proxy_ssl_server_name on; }
    location /name { proxy_pass https://@GOOD; proxy_ssl_verify on; proxy_ssl_name orders.test; }
    location /name/sni { proxy_pass https://@GOOD; proxy_ssl_name other.test:443;
        proxy_ssl_server_name on; }
    location /name/follows { proxy_pass https://@GOOD; proxy_ssl_verify on;
        proxy_ssl_server_name on; proxy_ssl_name $arg_name:1; }
    location /name/wrong { proxy_pass https://@GOOD; proxy_ssl_verify on;
        proxy_ssl_name other.test; }
    location /authority/wrong { proxy_pass https://orders.test; proxy_ssl_verify on;
        proxy_ssl_trusted_certificate @DIR/theirs.pem; }
    location /stranger { proxy_pass https://@STRANGER; proxy_ssl_verify on;
        proxy_ssl_name orders.test; }
    location /deep { proxy_pass https://@DEEP; proxy_ssl_verify on; proxy_ssl_name orders.test; }
    location /deep/2 { proxy_pass https://@DEEP; proxy_ssl_verify on; proxy_ssl_name orders.test;
        proxy_ssl_verify_depth 2; }
    location /crl { proxy_pass https://@GOOD; proxy_ssl_verify on; proxy_ssl_name orders.test;
        proxy_ssl_crl @DIR/other.crl; }
    location /crl/revoked { proxy_pass https://@GOOD; proxy_ssl_verify on;
        proxy_ssl_name orders.test; proxy_ssl_crl @DIR/good.crl; }
    location /who { proxy_pass https://@STRICT; }
    location /who/known { proxy_pass https://@STRICT; proxy_ssl_certificate @DIR/client.test.pem;
        proxy_ssl_certificate_key @DIR/client.test.key; }
    location /who/stranger { proxy_pass https://@STRICT;
        proxy_ssl_certificate @DIR/stranger.test.pem;
        proxy_ssl_certificate_key @DIR/stranger.test.key; }
    location /version { proxy_pass https://@GOOD; proxy_ssl_protocols TLSv1.2;
        proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:!aNULL; }
    location /grpc { grpc_pass grpcs://@GOOD; }
    location /grpc/known { grpc_pass grpcs://@STRICT; grpc_ssl_verify on;
        grpc_ssl_trusted_certificate @DIR/ours.pem; grpc_ssl_name orders.test;
        grpc_ssl_server_name on; grpc_ssl_certificate @DIR/client.test.pem;
        grpc_ssl_certificate_key @DIR/client.test.key; }
    location /grpc/wrong { grpc_pass grpcs://@GOOD; grpc_ssl_verify on;
        grpc_ssl_trusted_certificate @DIR/theirs.pem; grpc_ssl_name orders.test; }
    location /next { proxy_pass https://two; }
}";

/// Path, status, what the servers tried said, and what the one that answered saw.
const ROWS: &[(&str, u16, &str, &str)] = &[
    ("/off", 200, "200", "sni - full client no"),
    ("/off/stranger", 200, "200", "sni - full client no"),
    ("/group", 200, "200", "sni - full client no"),
    ("/group/sni", 200, "200", "sni orders.test full client no"),
    ("/name", 200, "200", "sni - full client no"),
    ("/name/sni", 200, "200", "sni other.test full client no"),
    (
        "/name/follows?name=orders.test",
        200,
        "200",
        "sni orders.test full client no",
    ),
    ("/name/follows?name=other.test", 502, "502", ""),
    ("/name/wrong", 502, "502", ""),
    ("/authority/wrong", 502, "502", ""),
    ("/stranger", 502, "502", ""),
    ("/deep", 502, "502", ""),
    ("/deep/2", 200, "200", "sni - full client no"),
    ("/crl", 200, "200", "sni - full client no"),
    ("/crl/revoked", 502, "502", ""),
    ("/who", 502, "502", ""),
    ("/who/known", 200, "200", "sni - full client yes"),
    ("/who/stranger", 502, "502", ""),
    ("/version", 200, "200", "sni - full client no"),
    ("/grpc", 200, "200", "sni - full client no"),
    ("/grpc/known", 200, "200", "sni orders.test full client yes"),
    ("/grpc/wrong", 502, "502", ""),
    ("/next", 200, "502, 200", "sni - full client no"),
];

/// What the last server says after the version and what ALPN came to: nginx 1.22 does not offer any.
fn saw(answer: &str) -> &str {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    body.split_once(" sni ")
        .map_or("", |(before, _)| &body[before.len() + 1..])
}

#[test]
fn a_file_means_the_same() {
    let files = Files::new();
    let far = files.ours.below("far");
    let near = far.below("near");
    let good = server(files.ours.numbered(7, &[]));
    let stranger = server(files.theirs.numbered(7, &[]));
    let deep = server(near.numbered(7, &[&near, &far]));
    let strict = server(files.ours.strict_server(&["orders.test"]));
    files.ours.write_crl(7, &files.path().join("good.crl"));
    files.ours.write_crl(8, &files.path().join("other.crl"));
    let plain = backend(|mut wire| wire.send("HTTP/1.1 200 OK\r\n\r\n"));
    let mut http = files.fill(HTTP);
    for (mark, address) in [
        ("@GOOD", good.address),
        ("@STRANGER", stranger.address),
        ("@DEEP", deep.address),
        ("@STRICT", strict.address),
        ("@PLAIN", plain),
    ] {
        http = http.replace(mark, &address.to_string());
    }
    // Sessions would let a server be known that no longer is; they have a test of their own.
    let http = format!("proxy_ssl_session_reuse off; grpc_ssl_session_reuse off;\n{http}");
    let servers = [
        ("nginx", Server::nginx(&http)),
        ("the gateway", Server::gateway(&http)),
    ];
    let mut wrong = Vec::new();
    for (name, server) in &servers {
        for (path, expected, tries, seen) in ROWS {
            let answer = server.ask(format!("GET {path} HTTP/1.0\r\n\r\n"));
            let found = (status(&answer), header(&answer, "x-tries"), saw(&answer));
            if found != (*expected, Some(tries), *seen) {
                let log = server.process.read("error.log");
                wrong.push(format!("{name} {path}: {found:?}\n{answer}\n{log}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let log = servers[1].1.process.read("error.log");
    for words in [
        "upstream SSL certificate verify error: (UnknownIssuer) while SSL handshaking to upstream",
        "upstream SSL certificate does not match: certificate not valid for name \"other.test\"",
        "SSL_do_handshake() failed (SSL: received corrupt message",
        "SSL_read() failed (SSL: received fatal alert: ",
        "upstream: \"https://",
    ] {
        assert!(log.contains(words), "no {words:?} in\n{log}");
    }
}

/// A second connection goes on from the first one's session unless it is told not to.
#[test]
fn sessions_are_taken_up_alike() {
    let files = Files::new();
    let one = server(files.ours.numbered(1, &[]));
    let two = server(files.ours.numbered(2, &[]));
    let http = format!(
        "access_log off; upstream both {{ server {}; server {}; }} \
         server {{ listen @FRONT; location / {{ proxy_pass https://both; }} \
         location /off {{ proxy_pass https://both; proxy_ssl_session_reuse off; }} }}",
        one.address, two.address
    );
    for (name, server) in [
        ("nginx", Server::nginx(&http)),
        ("the gateway", Server::gateway(&http)),
    ] {
        for (path, kinds) in [
            ("/off", ["full"; 4]),
            ("/", ["full", "full", "resumed", "resumed"]),
        ] {
            for kind in kinds {
                let answer = server.ask(format!("GET {path} HTTP/1.0\r\n\r\n"));
                let seen = saw(&answer);
                assert!(seen.contains(kind), "{name} {path}: {seen:?}, not {kind}");
            }
        }
    }
}
