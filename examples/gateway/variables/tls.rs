//! Variables about the connection's TLS; without any, none of them has a value.

use std::fmt::Write as _;

use tokio_rustls::rustls::NamedGroup;
use tokio_rustls::rustls::ProtocolVersion;

use crate::text;
use crate::tls::{Certificate, Cover, Session, Verdict, suites};

/// Appends `$ssl_NAME`; false if it has no value.
pub fn append(cover: &Cover, name: &str, out: &mut String) -> bool {
    let Some(session) = cover.session() else {
        return false;
    };
    let before = out.len();
    match name {
        "protocol" => out.push_str(protocol(session)),
        "cipher" => out.push_str(session.suite.map_or("", suites::name)),
        "curve" => out.push_str(session.curve.map_or("", curve)),
        "session_reused" => out.push_str(if session.reused { "r" } else { "." }),
        "server_name" => out.push_str(session.asked.as_deref().unwrap_or("")),
        "alpn_protocol" => text::push(session.alpn.as_deref().unwrap_or_default(), out),
        "client_verify" => verdict(session.verdict, out),
        _ => {
            if let Some(own) = session.client.first() {
                client(&Certificate(own), name, out);
            }
        }
    }
    out.len() > before
}

fn client(certificate: &Certificate<'_>, name: &str, out: &mut String) {
    let text = match name {
        "client_s_dn" => certificate.subject(),
        "client_i_dn" => certificate.issuer(),
        "client_serial" => certificate.serial(),
        "client_fingerprint" => Some(certificate.fingerprint()),
        "client_raw_cert" => Some(certificate.pem()),
        // As nginx folds it, for a header of several lines.
        "client_cert" => Some(certificate.pem().trim_end().replace('\n', "\n\t")),
        "client_escaped_cert" => {
            escape(&certificate.pem(), out);
            None
        }
        _ => None,
    };
    out.push_str(&text.unwrap_or_default());
}

fn protocol(session: &Session) -> &'static str {
    match session.protocol {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "",
    }
}

/// OpenSSL's names.
fn curve(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519 => "X25519",
        NamedGroup::secp256r1 => "prime256v1",
        NamedGroup::secp384r1 => "secp384r1",
        _ => "",
    }
}

fn verdict(verdict: Verdict, out: &mut String) {
    match verdict {
        Verdict::None => out.push_str("NONE"),
        Verdict::Success => out.push_str("SUCCESS"),
        Verdict::Failed(why) => {
            out.push_str("FAILED:");
            out.push_str(why.words);
        }
    }
}

/// As a component of a URI.
fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}
