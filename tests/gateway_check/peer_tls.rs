//! Servers spoken to over TLS.

use super::check::{Case, location, same, server};
use super::check_all;

/// Where it matters: files are read, and what is missing is told, of those that are used.
fn https(more: &str) -> String {
    location(&format!("proxy_pass https://127.0.0.1;\n{more}"))
}

fn ours(text: String, message: &'static str, why: &'static str) -> Case {
    same(text, message).differs(why)
}

#[test]
fn values() {
    check_all(vec![
        same(
            location("proxy_ssl_verify |maybe;"),
            "invalid value \"maybe\" in \"proxy_ssl_verify\" directive, it must be \"on\" or \
             \"off\"",
        ),
        same(
            server("proxy_ssl_server_name |1;"),
            "invalid value \"1\" in \"proxy_ssl_server_name\" directive, it must be \"on\" or \
             \"off\"",
        ),
        same(
            location("proxy_ssl_session_reuse |no;"),
            "invalid value \"no\" in \"proxy_ssl_session_reuse\" directive, it must be \"on\" or \
             \"off\"",
        ),
        same(
            location("proxy_ssl_verify_depth |x;"),
            "\"proxy_ssl_verify_depth\" directive invalid number",
        ),
        same(
            location("proxy_ssl_protocols |TLSv1.9;"),
            "invalid value \"TLSv1.9\"",
        ),
        same(
            location("proxy_ssl_protocols TLSv1.2 |TLSv1.2;"),
            "duplicate value \"TLSv1.2\"",
        )
        .warning(),
        same(
            location("|proxy_ssl_protocols;"),
            "invalid number of arguments in \"proxy_ssl_protocols\" directive",
        ),
        same(
            location("proxy_ssl_name a;\n|proxy_ssl_name b;"),
            "\"proxy_ssl_name\" directive is duplicate",
        ),
        same(
            location("|proxy_ssl_certificate a b;"),
            "invalid number of arguments in \"proxy_ssl_certificate\" directive",
        ),
        same(https("proxy_ssl_name |$nope;"), "unknown \"nope\" variable").elsewhere(),
    ]);
}

#[test]
fn what_is_missing() {
    check_all(vec![
        same(
            https("proxy_ssl_verify |on;"),
            "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
        )
        .elsewhere(),
        same(
            server("proxy_ssl_verify |on;\nlocation / { proxy_pass https://127.0.0.1; }"),
            "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
        )
        .elsewhere(),
        same(
            https("proxy_ssl_certificate |c.pem;"),
            "no \"proxy_ssl_certificate_key\" is defined for certificate \"c.pem\"",
        )
        .elsewhere(),
    ]);
}

#[test]
fn files_that_cannot_be_read() {
    let why = "the same in OpenSSL's words";
    check_all(vec![
        ours(
            https("proxy_ssl_verify on;\nproxy_ssl_trusted_certificate |/nowhere/ca.pem;"),
            "cannot load trusted certificate \"/nowhere/ca.pem\": No such file or directory (os \
             error 2)",
            why,
        ),
        ours(
            https("proxy_ssl_verify on;\nproxy_ssl_trusted_certificate |/dev/null;"),
            "cannot load trusted certificate \"/dev/null\": no certificate in it",
            why,
        ),
    ]);
}

#[test]
fn what_rustls_or_the_gateway_cannot_do() {
    check_all(vec![
        ours(
            location("proxy_ssl_protocols |TLSv1.1 TLSv1.2;"),
            "rustls does not speak \"TLSv1.1\"",
            "nothing: OpenSSL may speak it",
        )
        .warning(),
        ours(
            location("proxy_ssl_protocols |TLSv1;"),
            "rustls does not speak \"TLSv1\"",
            "nothing: OpenSSL may speak it",
        ),
        ours(
            https("proxy_ssl_ciphers |HIGH:DHE-RSA-AES256-GCM-SHA384;"),
            "cipher \"DHE-RSA-AES256-GCM-SHA384\" has no equivalent in rustls",
            "nothing: OpenSSL has it",
        ),
        ours(
            https("proxy_ssl_certificate |$host;\nproxy_ssl_certificate_key k;"),
            "variables in \"proxy_ssl_certificate\" are not supported",
            "nothing: it reads a file per request",
        ),
        ours(
            https("|proxy_ssl_password_file /dev/null;"),
            "directive \"proxy_ssl_password_file\" is not supported",
            "nothing: it knows encrypted keys",
        ),
        ours(
            https("|proxy_ssl_conf_command MinProtocol TLSv1.2;"),
            "directive \"proxy_ssl_conf_command\" is not supported",
            "nothing: it is OpenSSL's",
        ),
    ]);
}
