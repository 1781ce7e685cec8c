//! Active health checks over TLS.

use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;
use tower_upstream::connect::Tls;
use tower_upstream::health::Checks;
use tower_upstream::{Group, GroupConfig, HealthCheck, Server, Upstream};

use crate::certificates::Authority;
use crate::server::server;

/// What a file says of both goes together.
#[tokio::test]
async fn a_client_from_a_file_looks_as_it_asks() {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let back = server(Authority::new().server(&["localhost"])).await;
    let text = format!(
        "upstream u {{ server {}; active_check uri=/ unsure=10ms mandatory; }}
         server {{ location / {{ proxy_pass https://u; }} }}",
        back.address
    );
    let upstream = Upstream::from_nginx(&text, "/").unwrap();
    let (tell, mut told) = unbounded_channel();
    let checks = Checks::of(upstream.group()).unwrap();
    let checks = checks.tls(upstream.tls().unwrap().clone());
    tokio::spawn(
        checks
            .report(move |change| _ = tell.send(change.healthy))
            .run(),
    );
    let healthy = timeout(Duration::from_secs(20), told.recv()).await;
    assert_eq!(healthy.expect("a change"), Some(true));
}

/// Who can be trusted is well, by the name its line has.
#[tokio::test]
async fn looks_go_over_tls_and_want_a_certificate() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let good = server(ours.server(&["localhost"])).await;
    let bad = server(theirs.server(&["localhost"])).await;
    for (secure, healthy) in [(&good, true), (&bad, false)] {
        let mut config = GroupConfig::new("orders.test");
        config.servers = vec![Server::new(format!("localhost:{}", secure.address.port()))];
        let group = Group::new(config).unwrap();
        let mut check = HealthCheck::http("/")
            .timeout(Duration::from_secs(5))
            .fall(1);
        check.mandatory = healthy;
        let (tell, mut told) = unbounded_channel();
        let checks = Checks::new(&group, check).unwrap();
        let checks = checks.tls(Tls::new(ours.client())).report(move |change| {
            let _ = tell.send(change.clone());
        });
        tokio::spawn(checks.run());
        let change = loop {
            let change = timeout(Duration::from_secs(20), told.recv()).await;
            let change = change.expect("a change").expect("checks that run");
            // `localhost` may have more addresses than the server.
            if change.address.ends_with(&secure.address.to_string()) {
                break change;
            }
        };
        assert_eq!(change.healthy, healthy);
        let why = change
            .failure
            .map(|why| why.to_string())
            .unwrap_or_default();
        assert_eq!(why.contains("certificate"), !healthy, "{why}");
    }
}
