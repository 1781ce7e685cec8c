//! A real nginx as the server.

use super::Files;
use crate::rig::{Server, free, header, status};

#[test]
fn nginx_is_spoken_to_in_both_versions() {
    let files = Files::new();
    files.ours.write_for("orders.test", files.path());
    let secure = free();
    let _back = Server::nginx(&files.fill(&format!(
        "access_log off; server {{ listen @FRONT; return 204; }}
         server {{ listen {secure} ssl http2; ssl_certificate @DIR/orders.test.pem;
         ssl_certificate_key @DIR/orders.test.key; ssl_protocols TLSv1.2 TLSv1.3;
         ssl_client_certificate @DIR/ours.pem; ssl_verify_client optional;
         location / {{ return 200 \"$server_protocol $ssl_protocol $ssl_server_name $http_host \
         $ssl_client_verify|\"; }}
         location /moved {{ return 302 https://orders.test/x; }} }}"
    )));
    let gateway = Server::gateway(&files.fill(&format!(
        "access_log off; upstream orders.test {{ server {secure}; keepalive 4; }}
         proxy_ssl_verify on; proxy_ssl_trusted_certificate @DIR/ours.pem;
         proxy_ssl_server_name on; proxy_set_header Host $host;
         server {{ listen @FRONT;
         location /1 {{ proxy_pass https://orders.test/; proxy_http_version 1.1; }}
         location /2 {{ proxy_pass https://orders.test/; proxy_http_version 2;
            proxy_ssl_certificate @DIR/client.test.pem;
            proxy_ssl_certificate_key @DIR/client.test.key; }}
         location /old {{ proxy_pass https://orders.test/; proxy_ssl_protocols TLSv1.2; }}
         location /moved {{ proxy_pass https://orders.test; proxy_http_version 2; }} }}"
    )));
    for (path, says) in [
        ("/1", "HTTP/1.1 TLSv1.3 orders.test shop.no NONE|"),
        ("/2", "HTTP/2.0 TLSv1.3 orders.test shop.no SUCCESS|"),
        ("/2", "HTTP/2.0 TLSv1.3 orders.test shop.no SUCCESS|"),
        ("/old", "HTTP/1.0 TLSv1.2 orders.test shop.no NONE|"),
    ] {
        let answer = gateway.ask(format!("GET {path} HTTP/1.0\r\nHost: shop.no\r\n\r\n"));
        assert_eq!(status(&answer), 200, "{path}: {answer}");
        assert!(answer.ends_with(says), "{path}: {answer}");
    }
    let moved = gateway.ask("GET /moved HTTP/1.0\r\n\r\n");
    assert!(
        moved.starts_with("HTTP/1.1 302 Moved Temporarily\r\n"),
        "{moved}"
    );
    let to = format!("http://{}/x", gateway.front);
    assert_eq!(header(&moved, "location"), Some(&*to));
}
