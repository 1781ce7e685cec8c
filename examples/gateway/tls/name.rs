//! What a certificate says, in the forms of NGINX.

use std::fmt::Write as _;

use ::ring::digest;
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, Oid, Tag, ToDer as _};
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::X509Name;

/// A client's certificate.
#[derive(Debug)]
pub struct Certificate<'a>(pub &'a CertificateDer<'a>);

/// OpenSSL's short names of what a name is made of.
const SHORT: [(&str, &str); 20] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.46", "dnQualifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

impl Certificate<'_> {
    /// `$ssl_client_s_dn`
    pub fn subject(&self) -> Option<String> {
        self.parsed().map(|parsed| rfc_2253(parsed.subject()))
    }

    /// `$ssl_client_i_dn`
    pub fn issuer(&self) -> Option<String> {
        self.parsed().map(|parsed| rfc_2253(parsed.issuer()))
    }

    /// `$ssl_client_serial`
    pub fn serial(&self) -> Option<String> {
        let parsed = self.parsed()?;
        // A zero that only keeps a number from being negative is no part of it.
        let raw = parsed.raw_serial();
        let digits = match raw {
            [0, rest @ ..] if !rest.is_empty() => rest,
            raw => raw,
        };
        Some(hex(digits, Case::Upper))
    }

    /// `$ssl_client_fingerprint`: SHA-1, as NGINX has it.
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.0);
        hex(digest.as_ref(), Case::Lower)
    }

    /// `$ssl_client_raw_cert`
    pub fn pem(&self) -> String {
        let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in base64(self.0).as_bytes().chunks(64) {
            out.extend(line.iter().map(|&byte| char::from(byte)));
            out.push('\n');
        }
        out.push_str("-----END CERTIFICATE-----\n");
        out
    }

    fn parsed(&self) -> Option<X509Certificate<'_>> {
        let (_, parsed) = x509_parser::parse_x509_certificate(self.0).ok()?;
        Some(parsed)
    }
}

/// A name from its end to its beginning, as RFC 2253 has it.
fn rfc_2253(name: &X509Name<'_>) -> String {
    let mut out = String::new();
    let sets: Vec<_> = name.iter().collect();
    for (index, set) in sets.iter().rev().enumerate() {
        let attributes: Vec<_> = set.iter().collect();
        for (inner, attribute) in attributes.iter().rev().enumerate() {
            out.push_str(match (index, inner) {
                (0, 0) => "",
                (_, 0) => ",",
                _ => "+",
            });
            push(attribute.attr_type(), attribute.attr_value(), &mut out);
        }
    }
    out
}

fn push(kind: &Oid<'_>, value: &Any<'_>, out: &mut String) {
    let dotted = kind.to_id_string();
    let short = SHORT.iter().find(|(known, _)| *known == dotted);
    match (short, characters(value)) {
        (Some((_, short)), Some(text)) => {
            out.push_str(short);
            out.push('=');
            escape(&text, out);
        }
        (short, _) => {
            // Neither name nor form can be told from such a value.
            out.push_str(short.map_or(&dotted, |(_, short)| short));
            out.push_str("=#");
            out.push_str(&hex(&value.to_der_vec().unwrap_or_default(), Case::Upper));
        }
    }
}

/// The text of a string type.
fn characters(value: &Any<'_>) -> Option<String> {
    let wide = |unit: &[u8]| {
        let code = unit
            .iter()
            .fold(0, |code, byte| code << 8 | u32::from(*byte));
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    Some(match value.tag() {
        Tag::Utf8String => String::from_utf8_lossy(value.data).into_owned(),
        Tag::PrintableString
        | Tag::Ia5String
        | Tag::VisibleString
        | Tag::NumericString
        | Tag::T61String => value.data.iter().map(|&byte| char::from(byte)).collect(),
        Tag::BmpString => value.data.chunks(2).map(wide).collect(),
        Tag::UniversalString => value.data.chunks(4).map(wide).collect(),
        _ => return None,
    })
}

/// What RFC 2253 gives a meaning is escaped, and what is not ASCII.
fn escape(text: &str, out: &mut String) {
    let last = text.len().saturating_sub(1);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b'#' | b' ' if index == 0 => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' ' if index == last => out.push_str("\\ "),
            b' '..=b'~' => out.push(char::from(byte)),
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\{byte:02X}");
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Case {
    Upper,
    Lower,
}

fn hex(bytes: &[u8], case: Case) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = match case {
            Case::Upper => write!(out, "{byte:02X}"),
            Case::Lower => write!(out, "{byte:02x}"),
        };
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let mut bits = [0; 3];
        bits[..three.len()].copy_from_slice(three);
        let [a, b, c] = bits.map(usize::from);
        let digits = [
            a >> 2,
            (a & 3) << 4 | b >> 4,
            (b & 15) << 2 | c >> 6,
            c & 63,
        ];
        for (index, digit) in digits.into_iter().enumerate() {
            out.push(if index > three.len() {
                '='
            } else {
                char::from(DIGITS[digit])
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_everybody_knows_it() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"M", "TQ=="),
            (b"Ma", "TWE="),
            (b"Man", "TWFu"),
            (b"\xff\xef\xbe", "/+++"),
        ] {
            assert_eq!(base64(bytes), text);
        }
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        let mut out = String::new();
        escape(" a,b+c\"d\\e<f>g;h=i#j\u{e5} ", &mut out);
        assert_eq!(out, "\\ a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=i#j\\C3\\A5\\ ");
    }
}
