//! Configuration as data.

use std::time::Duration;

use serde_json::{from_value, json, to_value};
use tower_upstream::classify::Codes;
use tower_upstream::connect::{CipherSuite, Identity, TlsConfig, TlsVersion, Trust, Verify};
use tower_upstream::retry::{BudgetConfig, RetryConfig};
use tower_upstream::upstream::config::{Probe, ProbeMethod};
use tower_upstream::{
    Choice, GroupConfig, Grpc, HealthCheck, Keepalive, NextUpstream, Proxy, RequestBuffering,
    ResolverConfig, Semantics, Server,
};

#[test]
fn absent_values_are_nginx_defaults() {
    let server: Server = from_value(json!({ "address": "127.0.0.1:8080" })).unwrap();
    assert_eq!(server, Server::new("127.0.0.1:8080"));
    assert_eq!(from_value::<Proxy>(json!({})).unwrap(), Proxy::default());
    assert_eq!(
        from_value::<Keepalive>(json!({})).unwrap(),
        Keepalive::default()
    );
    assert_eq!(
        from_value::<ResolverConfig>(json!({})).unwrap(),
        ResolverConfig::default()
    );
    let group: GroupConfig = from_value(json!({ "name": "orders", "servers": [] })).unwrap();
    assert_eq!(group, GroupConfig::new("orders"));
}

#[test]
fn tls_comes_back_as_it_went_and_has_to_say_whether_it_verifies() {
    let open = TlsConfig::new(Verify::Off);
    assert_eq!(
        from_value::<TlsConfig>(json!({ "verify": "off" })).unwrap(),
        open
    );
    assert!(from_value::<TlsConfig>(json!({})).is_err());
    let trusting: TlsConfig =
        from_value(json!({ "verify": { "on": { "certificates": "ca.pem" } } })).unwrap();
    assert_eq!(trusting, TlsConfig::new(Verify::On(Trust::new("ca.pem"))));
    let full = TlsConfig {
        identity: Some(Identity {
            certificate: "c.pem".into(),
            key: "c.key".into(),
        }),
        name: Some("orders.test".into()),
        server_name: false,
        session_reuse: false,
        versions: vec![TlsVersion::Tls13],
        ciphers: vec![CipherSuite::RsaChaCha20],
        ..trusting
    };
    let data = to_value(&full).unwrap();
    assert_eq!(data["versions"], json!(["TLSv1.3"]));
    assert_eq!(data["ciphers"], json!(["ECDHE-RSA-CHACHA20-POLY1305"]));
    assert_eq!(from_value::<TlsConfig>(data).unwrap(), full);
}

#[test]
fn a_configuration_comes_back_as_it_went() {
    let mut group = GroupConfig::new("orders");
    group.servers = vec![
        Server::new("127.0.0.1:8080")
            .weight(3)
            .max_fails(2)
            .fail_timeout(Duration::from_secs(30))
            .max_conns(100),
        Server::new("unix:/run/orders.sock").backup(),
        Server::new("[::1]:81").down(),
        Server::new("orders.internal:8080").resolve(),
        Server::new("orders.internal").service("http"),
    ];
    group.resolver = ResolverConfig {
        servers: vec!["10.0.0.2".into()],
        valid: Some(Duration::from_secs(5)),
        ipv6: false,
        ..ResolverConfig::default()
    };
    group.keepalive.connections = 32;
    group.zone = true;
    group.semantics = Semantics::Strict;
    group.health_check = Some(HealthCheck::http("/healthz").rise(1).mandatory());
    let data = to_value(&group).unwrap();
    assert_eq!(from_value::<GroupConfig>(data).unwrap(), group);

    let proxy = Proxy {
        connect_timeout: Duration::from_millis(1500),
        next_upstream: NextUpstream::ERROR | NextUpstream::HTTP_503 | NextUpstream::NON_IDEMPOTENT,
        next_upstream_tries: 2,
        request_buffering: RequestBuffering::On { max: 1 << 20 },
        request_timeout: Some(Duration::from_secs(10)),
        deadline_header: Some(http::HeaderName::from_static("x-request-timeout")),
        grpc: Choice::On(Grpc {
            counts: Codes::UNAVAILABLE | Codes::INTERNAL,
            next: Codes::NONE,
        }),
        ..Proxy::default()
    };
    let data = to_value(&proxy).unwrap();
    assert_eq!(data["deadline_header"], "x-request-timeout");
    assert_eq!(data["next_upstream"], "error http_503 non_idempotent");
    assert_eq!(data["grpc"]["on"]["counts"], "INTERNAL UNAVAILABLE");
    assert_eq!(from_value::<Proxy>(data).unwrap(), proxy);
    let wrong = from_value::<Proxy>(json!({ "deadline_header": "no name" })).unwrap_err();
    assert!(
        wrong.to_string().contains("invalid HTTP header name"),
        "{wrong}"
    );
}

#[test]
fn retries_are_data_too() {
    assert_eq!(
        from_value::<RetryConfig>(json!({})).unwrap(),
        RetryConfig::default()
    );
    let config = RetryConfig {
        attempts: 5,
        next_upstream: NextUpstream::ERROR | NextUpstream::HTTP_429,
        timeout: Duration::from_millis(1500),
        budget: None,
        ..RetryConfig::default()
    };
    let data = to_value(config).unwrap();
    assert_eq!(data["budget"], json!(null));
    assert_eq!(from_value::<RetryConfig>(data).unwrap(), config);
    let percent = from_value::<RetryConfig>(json!({ "budget": { "percent": 5 } })).unwrap();
    assert_eq!(
        percent.budget,
        Some(BudgetConfig {
            percent: 5,
            per_second: 10
        })
    );
    let wrong = from_value::<RetryConfig>(json!({ "tries": 3 })).unwrap_err();
    assert!(
        wrong.to_string().contains("unknown field `tries`"),
        "{wrong}"
    );
}

#[test]
fn checks_are_data_too() {
    let check = |data| from_value::<HealthCheck>(data).unwrap();
    assert_eq!(check(json!({})), HealthCheck::default());
    assert_eq!(check(json!({ "probe": "tcp" })), HealthCheck::tcp());
    let data = json!({ "probe": { "http": {
        "path": "/healthz", "status": "200,300-399", "method": "HEAD",
    } } });
    let Probe::Http(probe) = check(data).probe else {
        panic!("it is HTTP");
    };
    assert_eq!(
        (&*probe.path, probe.method),
        ("/healthz", ProbeMethod::Head)
    );
    assert!(probe.status.contains(304) && !probe.status.contains(204));
    let data = json!({ "probe": { "http": { "status": "2xx" } } });
    let wrong = from_value::<HealthCheck>(data).unwrap_err();
    assert!(
        wrong.to_string().contains("invalid status \"2xx\""),
        "{wrong}"
    );
}

/// A word that is not understood must not be lost in silence.
#[test]
fn an_unknown_key_or_keyword_is_an_error() {
    let server = from_value::<Server>(json!({ "address": "a", "max_fail": 3 })).unwrap_err();
    assert!(
        server.to_string().contains("unknown field `max_fail`"),
        "{server}"
    );
    let proxy = from_value::<Proxy>(json!({ "read_timout": 3 })).unwrap_err();
    assert!(
        proxy.to_string().contains("unknown field `read_timout`"),
        "{proxy}"
    );
    let pool = from_value::<Keepalive>(json!({ "conections": 3 })).unwrap_err();
    assert!(
        pool.to_string().contains("unknown field `conections`"),
        "{pool}"
    );
    let group = from_value::<GroupConfig>(json!({ "name": "a", "servers": [], "zones": true }));
    assert!(
        group
            .unwrap_err()
            .to_string()
            .contains("unknown field `zones`")
    );
    let listed = from_value::<Proxy>(json!({ "next_upstream": "error http_418" })).unwrap_err();
    assert!(
        listed.to_string().contains("invalid value \"http_418\""),
        "{listed}"
    );
}

#[test]
fn modes_are_lower_case_words() {
    assert_eq!(to_value(Semantics::Strict).unwrap(), "strict");
    assert_eq!(to_value(RequestBuffering::Off).unwrap(), "off");
    assert_eq!(
        to_value(RequestBuffering::Replay { limit: 9 }).unwrap(),
        json!({ "replay": { "limit": 9 } })
    );
}

#[test]
fn limits_are_data_too() {
    use tower_upstream::limit::bulkhead::{Class, Limit, Queue, Shares, Vegas};

    let limit: Limit = from_value(json!({ "vegas": { "max": 50 } })).unwrap();
    let vegas = Vegas {
        max: 50,
        ..Vegas::default()
    };
    assert_eq!(limit, Limit::Vegas(vegas));
    let fixed: Limit = from_value(json!({ "fixed": 20 })).unwrap();
    assert_eq!(fixed, Limit::Fixed(20));
    assert_eq!(from_value::<Queue>(json!({})).unwrap(), Queue::default());
    assert_eq!(from_value::<Shares>(json!({})).unwrap(), Shares::default());
    assert_eq!(
        to_value(Class::CriticalPlus).unwrap(),
        json!("critical-plus")
    );
}
