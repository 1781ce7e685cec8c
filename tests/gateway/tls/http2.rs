//! HTTP/2 by ALPN, as `listen ... ssl http2` has it.

use super::super::rig::status;
use super::certificates::Files;
use super::client::curl;
use super::{gateway, nginx, server, shows};

fn http() -> String {
    let open = format!("{} location / {{ return 200 open; }}", shows("a"));
    let strict = format!(
        "{} ssl_client_certificate @/ca.pem; ssl_verify_client on;
         location / {{ return 200 $ssl_client_verify; }}",
        shows("b")
    );
    let servers = server("a.test", &open) + &server("b.test", &strict);
    format!(
        "log_format f '$status $ssl_alpn_protocol $http2 $ssl_client_verify $scheme';
         access_log access.log f;\n{}",
        servers.replace(" ssl;", " ssl http2;")
    )
}

#[test]
fn http_2_is_agreed_on_and_served_as_by_nginx() {
    let files = Files::with_two();
    let pair = "--cert @/a.pem --key @/a.key";
    let seen = [gateway(&files, &http()), nginx(&files, &http())].map(|mut front| {
        let statuses: Vec<u16> = [
            "--http2 https://a.test/".to_owned(),
            "--http1.1 https://a.test/".to_owned(),
            "--http2 https://b.test/".to_owned(),
            format!("--http2 {pair} https://b.test/"),
            "--http2 -H Host:b.test https://a.test/".to_owned(),
            "--http2 --no-alpn https://a.test/".to_owned(),
            "--http2 http://a.test/".to_owned(),
        ]
        .iter()
        .map(|arguments| status(&curl(&front, &files, &format!("-i {arguments}"))))
        .collect();
        front.process.stop();
        (statuses, front.process.read("access.log"))
    });
    assert_eq!(seen[0].0, [200, 200, 400, 200, 421, 200, 400]);
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].1.starts_with("200 h2 h2 NONE https\n"));
}
