//! TLS as values and files say.

use std::fs;
use std::path::Path;
use std::sync::Once;

use tempfile::TempDir;
use tower_upstream::connect::{Identity, Tls, TlsConfig, TlsVersion, Trust, Verify};
use tower_upstream::nginx::{import, import_file};
use tower_upstream::{Upstream, upstream::config::CipherSuite};

use crate::certificates::Authority;
use crate::server::server;
use crate::{at, fetch, upstream};

/// rustls wants to know which cryptography, once.
fn choose() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // Another test's `ClientConfig` may have been first; there is only one to choose from.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    });
}

struct Files(TempDir);

impl Files {
    fn new(authority: &Authority) -> Self {
        choose();
        let files = Self(tempfile::tempdir().unwrap());
        authority.write(&files.path("ca.pem"));
        authority.write_for("client.test", files.0.path());
        files
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

/// A location `/` that passes to `servers` over TLS.
fn text(servers: &[String], location: &str) -> String {
    let servers: String = servers.iter().map(|at| format!("server {at}; ")).collect();
    format!(
        "upstream orders.test {{ {servers} keepalive 8; }}\n\
         server {{ location / {{ proxy_pass https://orders.test;\n{location} }} }}"
    )
}

#[tokio::test]
async fn a_client_of_a_configuration() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let strict = server(authority.strict_server(&["orders.test"])).await;
    let config = TlsConfig {
        identity: Some(Identity {
            certificate: files.path("client.test.pem"),
            key: files.path("client.test.key"),
        }),
        name: Some("orders.test".into()),
        ..TlsConfig::new(Verify::On(Trust::new(files.path("ca.pem"))))
    };
    let tls = Tls::from_config(&config).unwrap();
    for (http2, says) in [(false, "HTTP/1.1"), (true, "HTTP/2.0 h2")] {
        let upstream = upstream(&at(&strict), http2, tls.clone());
        let answer = fetch(&upstream).await.unwrap();
        assert!(answer.starts_with(says), "{answer}");
        assert!(answer.ends_with("client yes"), "{answer}");
    }
    // The other version's connection is not this one's, but its session is.
    let again = upstream(&at(&strict), false, tls);
    assert!(fetch(&again).await.unwrap().contains("resumed"));
}

/// What a server may not do even if anybody is believed: to have a certificate and not its key.
#[tokio::test]
async fn a_server_without_the_key_of_its_certificate_is_refused() {
    let authority = Authority::new();
    let _files = Files::new(&authority);
    let thief = server(authority.thief(&["orders.test"])).await;
    let tls = Tls::from_config(&TlsConfig::new(Verify::Off)).unwrap();
    for versions in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let config = TlsConfig {
            versions: vec![versions],
            ..TlsConfig::new(Verify::Off)
        };
        let tls = Tls::from_config(&config).unwrap();
        let why = fetch(&upstream(&at(&thief), false, tls)).await.unwrap_err();
        assert!(why.contains("BadSignature"), "{why}");
    }
    let honest = server(authority.server(&["other.test"])).await;
    assert!(fetch(&upstream(&at(&honest), false, tls)).await.is_ok());
}

#[test]
fn everything_wrong_is_told_at_once() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    fs::write(files.path("empty"), "").unwrap();
    let config = TlsConfig {
        identity: Some(Identity {
            certificate: files.path("none.pem"),
            key: files.path("empty"),
        }),
        name: Some("no name".into()),
        versions: vec![TlsVersion::Tls13],
        ..TlsConfig::new(Verify::On(Trust {
            crl: Some(files.path("empty")),
            ..Trust::new(files.path("client.test.key"))
        }))
    };
    let error = Tls::from_config(&config).unwrap_err();
    let problems: Vec<String> = error
        .problems()
        .iter()
        .map(|problem| problem.replace(&*files.0.path().to_string_lossy(), "DIR"))
        .collect();
    assert_eq!(
        problems,
        [
            "cannot load trusted certificate \"DIR/client.test.key\": no certificate in it",
            "cannot load revocation list \"DIR/empty\": no revocation list in it",
            "cannot load certificate \"DIR/none.pem\": No such file or directory (os error 2)",
            "cannot load certificate key \"DIR/empty\": no key in it that is not encrypted",
            "\"no name\" is no server name for TLS",
        ]
    );
    let nothing = TlsConfig {
        versions: vec![TlsVersion::Tls12],
        ciphers: vec![CipherSuite::RsaAes128],
        ..TlsConfig::new(Verify::Off)
    };
    assert!(Tls::from_config(&nothing).is_ok());
    let nothing = TlsConfig {
        versions: Vec::new(),
        ..nothing
    };
    let error = Tls::from_config(&nothing).unwrap_err();
    assert!(
        error.problems()[0].starts_with("no TLS is left to offer"),
        "{error}"
    );
}

#[test]
fn a_key_has_to_be_the_certificate_s() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    authority.write_for("other.test", files.0.path());
    let config = TlsConfig {
        identity: Some(Identity {
            certificate: files.path("client.test.pem"),
            key: files.path("other.test.key"),
        }),
        ..TlsConfig::new(Verify::Off)
    };
    let error = Tls::from_config(&config).unwrap_err().to_string();
    assert!(error.contains("cannot use certificate key"), "{error}");
    assert!(error.contains("other.test.key"), "{error}");
}

#[tokio::test]
async fn a_location_passes_over_tls() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let files = Files::new(&ours);
    let good = server(ours.server(&["orders.test"])).await;
    let bad = server(theirs.server(&["orders.test"])).await;
    let verified = format!(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        files.path("ca.pem").display()
    );
    for (location, says) in [
        ("", "HTTP/1.0 http/1.1 sni - full client no"),
        ("proxy_ssl_server_name on;", "sni orders.test"),
        (
            "proxy_ssl_server_name on; proxy_ssl_name other.test:1;",
            "sni other.test",
        ),
        ("proxy_http_version 2;", "HTTP/2.0 h2"),
        (&verified, "sni - full client no"),
    ] {
        let upstream = Upstream::from_nginx(&text(&at(&good), location), "/").unwrap();
        let answer = fetch(&upstream).await.unwrap();
        assert!(answer.contains(says), "{location}: {answer}");
    }
    let upstream = Upstream::from_nginx(&text(&at(&bad), &verified), "/").unwrap();
    let why = fetch(&upstream).await.unwrap_err();
    assert!(
        why.starts_with("TLS handshake: invalid peer certificate"),
        "{why}"
    );
}

#[test]
fn problems_of_files_are_told_where_they_are_named() {
    choose();
    let broken = text(
        &["127.0.0.1".into()],
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate /nowhere/ca.pem;\n\
         proxy_ssl_certificate /nowhere/c.pem; proxy_ssl_certificate_key /nowhere/c.key;",
    );
    let error = Upstream::from_nginx(&broken, "/").unwrap_err();
    let missing = "No such file or directory (os error 2)";
    assert_eq!(
        error.problems(),
        [
            format!(
                "nginx.conf:3:52: cannot load trusted certificate \"/nowhere/ca.pem\": {missing}"
            ),
            format!("nginx.conf:4:23: cannot load certificate \"/nowhere/c.pem\": {missing}"),
            format!("nginx.conf:4:65: cannot load certificate key \"/nowhere/c.key\": {missing}"),
        ]
    );
}

#[test]
fn files_are_beside_the_file_that_names_them() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let conf = files.path("nginx.conf");
    let more = "proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem;";
    fs::write(&conf, text(&["127.0.0.1".into()], more)).unwrap();
    let tls = import_file(&conf, "/").unwrap().tls.unwrap();
    let trust = Trust::new(files.path("ca.pem"));
    assert_eq!(tls.config.verify, Verify::On(trust));
    let bare = import(&fs::read_to_string(&conf).unwrap(), "/").unwrap();
    let trust = Trust::new(Path::new("ca.pem"));
    assert_eq!(bare.tls.unwrap().config.verify, Verify::On(trust));
}

#[test]
fn names_and_defaults_are_nginxs() {
    let read = |pass: &str, more: &str| {
        let text = format!("server {{ location / {{ proxy_pass {pass}; {more} }} }}");
        import(&text, "/").map_err(|error| error.problems().concat())
    };
    for (pass, more, name) in [
        ("https://a.test", "", "a.test"),
        ("https://a.test:8443/x", "", "a.test"),
        ("https://127.0.0.1", "", "127.0.0.1"),
        ("https://[::1]:81", "", "::1"),
        ("https://unix:/tmp/s:/x", "", "localhost"),
        ("https://a.test:81", "proxy_ssl_name $proxy_host;", "a.test"),
        (
            "https://a.test:81",
            "proxy_ssl_name p$proxy_port.test;",
            "p81.test",
        ),
        ("https://a.test", "proxy_ssl_name b.test:1;", "b.test"),
    ] {
        let tls = read(pass, more).unwrap().tls.unwrap();
        let expected = TlsConfig {
            name: Some(name.into()),
            server_name: false,
            ..TlsConfig::new(Verify::Off)
        };
        assert_eq!(tls.config, expected, "{pass} {more}");
    }
    assert!(
        read("http://a.test", "proxy_ssl_verify on;")
            .unwrap()
            .tls
            .is_none()
    );
    let follows = "proxy_ssl_name $host; proxy_ssl_server_name on;";
    let follows = read("https://a.test", follows).unwrap_err();
    let message = "\"proxy_ssl_name\" of a client cannot follow the request";
    assert!(follows.contains(message), "{follows}");
    // Nobody hears it, and nobody compares it.
    assert!(read("https://a.test", "proxy_ssl_name $host;").is_ok());
    let chosen = read(
        "https://a.test",
        "proxy_ssl_protocols TLSv1.3; proxy_ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256; \
         proxy_ssl_session_reuse off; proxy_ssl_server_name on;",
    );
    let config = chosen.unwrap().tls.unwrap().config;
    assert_eq!(config.versions, [TlsVersion::Tls13]);
    assert_eq!(config.ciphers, [CipherSuite::RsaAes128]);
    assert!(config.server_name && !config.session_reuse);
}
