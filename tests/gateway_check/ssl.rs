//! `ssl_*`, with the certificates they name.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use rcgen::{CertificateParams, KeyPair};

use super::check::{Case, http, same, server};
use super::check_all;

/// A certificate `a`, its key, a key `b` of another, one that is encrypted, and a file of nothing.
fn directory() -> &'static PathBuf {
    static DIRECTORY: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let made = || {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_owned();
        let write =
            |name: &str, text: &str| std::fs::write(path.join(name), text).expect("written");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["a.test".to_owned()]).expect("names");
        let certificate = params.self_signed(&key).expect("a certificate");
        write("a.pem", &certificate.pem());
        write("a.key", &key.serialize_pem());
        write(
            "b.key",
            &KeyPair::generate().expect("a key").serialize_pem(),
        );
        write("nothing", "nothing\n");
        let encrypt = Command::new("openssl")
            .args(["pkcs8", "-topk8", "-passout", "pass:x", "-in"])
            .arg(path.join("a.key"))
            .arg("-out")
            .arg(path.join("encrypted.key"))
            .status();
        assert!(encrypt.expect("openssl").success());
        (directory, path)
    };
    &DIRECTORY.get_or_init(made).1
}

/// `@` is where the files are.
fn here(text: &str) -> &'static str {
    let directory = directory().display().to_string();
    Box::leak(text.replace('@', &directory).into_boxed_str())
}

const PAIR: &str = "ssl_certificate @/a.pem; ssl_certificate_key @/a.key;";

/// Inside a server that has a certificate.
fn tls(inside: &str, message: &str) -> Case {
    let text = server(&format!("{PAIR}\n{inside}"));
    same(here(&text).to_owned(), here(message))
}

#[test]
fn values() {
    let mut cases = Vec::new();
    for (line, message) in [
        ("ssl_protocols TLSv1.2 |TLSv9", "invalid value \"TLSv9\""),
        (
            "ssl_prefer_server_ciphers |maybe",
            "invalid value \"maybe\" in \"ssl_prefer_server_ciphers\" directive, \
             it must be \"on\" or \"off\"",
        ),
        ("ssl_verify_client |maybe", "invalid value \"maybe\""),
        (
            "ssl_verify_depth |x",
            "\"ssl_verify_depth\" directive invalid number",
        ),
        (
            "ssl_session_timeout |1x",
            "\"ssl_session_timeout\" directive invalid value",
        ),
        (
            "ssl_buffer_size |1x",
            "\"ssl_buffer_size\" directive invalid value",
        ),
        (
            "ssl_session_cache |sharp",
            "invalid session cache \"sharp\"",
        ),
        (
            "ssl_session_cache |shared:a",
            "invalid session cache \"shared:a\"",
        ),
        (
            "ssl_session_cache |shared::1m",
            "invalid session cache \"shared::1m\"",
        ),
        (
            "ssl_session_cache |builtin:x",
            "invalid session cache \"builtin:x\"",
        ),
        (
            "ssl_session_cache |shared:a:31k",
            "session cache \"shared:a:31k\" is too small",
        ),
    ] {
        // All of it is told once, where it stands.
        cases.push(tls(&format!("{line};"), message));
    }
    for line in [
        "ssl_ciphers HIGH",
        "ssl_prefer_server_ciphers on",
        "ssl_ecdh_curve X25519",
        "ssl_session_timeout 1m",
        "ssl_session_tickets off",
        "ssl_buffer_size 4k",
        "ssl_client_certificate @/a.pem",
        "ssl_verify_client off",
        "ssl_verify_depth 2",
    ] {
        let name = line.split(' ').next().unwrap_or_default();
        let message = format!("\"{name}\" directive is duplicate");
        cases.push(tls(&format!("{line};\n|{line};"), &message));
    }
    check_all(cases);
}

#[test]
fn what_belongs_together() {
    let plain = |inside: &str, message: &str| same(here(inside).to_owned(), here(message));
    check_all(vec![
        plain(
            &http("|server { listen 127.0.0.1:8443 ssl; }"),
            "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive",
        ),
        // Nor is there anything to fall back upon.
        plain(
            &http(
                "server { listen 127.0.0.1:8443 ssl; ssl_reject_handshake on; }\n|server { listen 127.0.0.1:8443 ssl; server_name b; }",
            ),
            "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive",
        ),
        plain(
            &server("ssl_certificate |@/a.pem;"),
            "no \"ssl_certificate_key\" is defined for certificate \"@/a.pem\"",
        )
        .elsewhere(),
        tls(
            "|ssl_verify_client on;",
            "no ssl_client_certificate for ssl_verify_client",
        )
        .elsewhere(),
        tls(
            "ssl_session_cache shared:s:1m; }\nserver { listen 127.0.0.1:8081;\n\
             |ssl_session_cache shared:s:2m;",
            "the size 2097152 of shared memory zone \"s\" conflicts with already declared \
             size 1048576",
        ),
        tls(
            "|ssl_session_cache shared:s:1m; }\nupstream u { server 127.0.0.1;\nzone s 1m;",
            "the shared memory zone \"s\" is already declared for a different use",
        )
        .elsewhere(),
    ]);
}

#[test]
fn files() {
    let other = "OpenSSL says it in its own words";
    let pair = |chain: &str, key: &str, message: &str| {
        let text = format!("ssl_certificate {chain}; ssl_certificate_key {key};");
        same(here(&server(&text)).to_owned(), here(message)).differs(other)
    };
    check_all(vec![
        pair(
            "|@/none.pem",
            "@/a.key",
            "cannot load certificate \"@/none.pem\": No such file or directory (os error 2)",
        ),
        pair(
            "@/a.pem",
            "|@/none.key",
            "cannot load certificate key \"@/none.key\": No such file or directory (os error 2)",
        ),
        pair(
            "|@/nothing",
            "@/a.key",
            "cannot load certificate \"@/nothing\": there is no PEM block with a certificate in it",
        ),
        pair(
            "@/a.pem",
            "|@/nothing",
            "cannot load certificate key \"@/nothing\": there is no PEM block with a private key \
             in it",
        ),
        pair(
            "@/a.pem",
            "|@/b.key",
            "key \"@/b.key\" does not belong to certificate \"@/a.pem\" (key values mismatch)",
        ),
        pair(
            "@/a.pem",
            "|@/encrypted.key",
            "cannot load certificate key \"@/encrypted.key\": it is encrypted, which is not \
             supported: decrypt it with \"openssl pkey\" and keep the file safe",
        ),
        tls(
            "ssl_verify_client on; ssl_client_certificate |@/a.key;",
            "cannot load certificate \"@/a.key\": there is no PEM block with a certificate in it",
        )
        .differs(other),
        tls(
            "ssl_verify_client optional_no_ca; ssl_crl |@/a.pem;",
            "cannot load CRL \"@/a.pem\": there is no PEM block with a X509 CRL in it",
        )
        .differs(other),
    ]);
}

#[test]
fn what_rustls_does_not_have() {
    let fewer = "nothing: it has this";
    check_all(vec![
        tls(
            "ssl_protocols TLSv1.2 |TLSv1.1;",
            "rustls does not speak \"TLSv1.1\"",
        )
        .warning()
        .differs(fewer),
        tls(
            "ssl_ciphers |ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA;",
            "cipher \"AES256-SHA\" has no equivalent in rustls: leave it out, or list names such as \
             ECDHE-ECDSA-AES128-GCM-SHA256",
        )
        .differs(fewer),
        tls(
            "ssl_ecdh_curve |secp521r1;",
            "\"ssl_ecdh_curve\": rustls has no \"secp521r1\", only X25519, prime256v1, secp384r1",
        )
        .differs(fewer),
        tls(
            "ssl_stapling |on;",
            "\"ssl_stapling on\" is not supported, leave stapling off: nobody here asks an OCSP \
             responder",
        )
        .differs(fewer),
        tls(
            "|ssl_password_file @/nothing;",
            "directive \"ssl_password_file\" is not supported",
        )
        .differs(fewer),
        tls(
            "|ssl_dhparam @/nothing;",
            "directive \"ssl_dhparam\" is not supported",
        )
        .differs("that the file has none"),
    ]);
}

#[test]
fn protocols_of_the_past_alone_are_nothing() {
    check_all(vec![
        tls("ssl_protocols |TLSv1;", "rustls does not speak \"TLSv1\"").differs("nothing: it does"),
    ]);
}

#[test]
fn what_many_servers_inherit_is_told_once() {
    let listen = "server { listen 127.0.0.1:8443 ssl; }";
    check_all(vec![
        same(
            here(&http(&format!(
                "ssl_certificate |@/a.pem;\n{listen}\n{}",
                listen.replace("8443", "8444")
            )))
            .to_owned(),
            here("no \"ssl_certificate_key\" is defined for certificate \"@/a.pem\""),
        )
        .elsewhere(),
    ]);
}

#[test]
fn good_files_pass() {
    for inside in [
        "ssl_ciphers HIGH:!aNULL:!MD5; ssl_prefer_server_ciphers on;",
        "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1:secp384r1;",
        "ssl_session_cache builtin:1000 shared:SSL:10m; ssl_session_timeout 1d;",
        "ssl_session_cache none; ssl_session_tickets off; ssl_stapling off; ssl_early_data off;",
        "ssl_verify_client optional; ssl_client_certificate @/a.pem; ssl_verify_depth 3;",
        "ssl_reject_handshake off; ssl_trusted_certificate @/a.pem; ssl_buffer_size 4k;",
    ] {
        let text = http(&format!(
            "server {{ listen 127.0.0.1:8443 ssl http2; {PAIR} {inside} }}"
        ));
        let text = here(&text);
        let ours = super::check::gateway(&text.replace("HTTP", "http {"));
        assert_eq!(ours, (Some(0), Vec::new()), "{inside}");
        assert_eq!(super::check::nginx(text), [""; 0], "{inside}");
    }
}
