//! Cipher suites and curves: OpenSSL's names for those that rustls has.

use tokio_rustls::rustls::crypto::{SupportedKxGroup, ring};
use tokio_rustls::rustls::{CipherSuite, NamedGroup, SupportedCipherSuite};

/// `ssl_ciphers`: what is served, the favourite first.
pub type Ciphers = Vec<SupportedCipherSuite>;

/// `ssl_ecdh_curve`, the favourite first.
pub type Curves = Vec<&'static dyn SupportedKxGroup>;

const SUITES: [(&str, CipherSuite); 9] = [
    (
        "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_AES_256_GCM_SHA384,
    ),
    (
        "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_128_GCM_SHA256,
    ),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

const CURVES: [(&str, NamedGroup); 6] = [
    ("X25519", NamedGroup::X25519),
    ("prime256v1", NamedGroup::secp256r1),
    ("P-256", NamedGroup::secp256r1),
    ("secp256r1", NamedGroup::secp256r1),
    ("secp384r1", NamedGroup::secp384r1),
    ("P-384", NamedGroup::secp384r1),
];

/// What OpenSSL lets one leave out and rustls does not have in the first place.
const NEVER_THERE: [&str; 26] = [
    "aNULL", "eNULL", "NULL", "ADH", "AECDH", "MD5", "RC4", "RC2", "DES", "3DES", "IDEA", "SEED",
    "CAMELLIA", "ARIA", "EXP", "EXPORT", "LOW", "MEDIUM", "PSK", "SRP", "DSS", "kRSA", "DH", "DHE",
    "EDH", "kDHE",
];

/// What an OpenSSL cipher string could not be made of.
#[derive(Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing in rustls is like this word.
    Word(String),
    /// A cipher of finite fields, which NGINX does not serve without `ssl_dhparam` either.
    FiniteField(String),
}

/// The suites an OpenSSL cipher string stands for, and the words that stand for none: it may list
/// names, say `HIGH`, `DEFAULT` or `ALL`, and leave out (`!`, `-`) what rustls does not have anyway.
/// Suites of TLS 1.3 are all served unless some are named.
pub fn ciphers(string: &str) -> (Ciphers, Vec<Unknown>) {
    let mut named: Vec<CipherSuite> = Vec::new();
    let mut unknown = Vec::new();
    let mut all = false;
    let words = string.split([':', ',', ' ']);
    for word in words.filter(|word| !word.is_empty()) {
        if let Some((_, suite)) = SUITES.iter().find(|(name, _)| *name == word) {
            named.push(*suite);
        } else if matches!(word, "HIGH" | "DEFAULT" | "ALL") {
            all = true;
        } else if word.starts_with("DHE-") || word.starts_with("EDH-") {
            unknown.push(Unknown::FiniteField(word.to_owned()));
        } else if !word
            .strip_prefix(['!', '-'])
            .is_some_and(|word| NEVER_THERE.contains(&word))
        {
            unknown.push(Unknown::Word(word.to_owned()));
        }
    }
    let named = |suite: &SupportedCipherSuite| named.iter().position(|n| *n == suite.suite());
    let tls13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
    let any_13 = ring::ALL_CIPHER_SUITES
        .iter()
        .any(|s| tls13(s) && named(s).is_some());
    let mut chosen = ring::ALL_CIPHER_SUITES.to_vec();
    chosen.retain(|s| all || named(s).is_some() || (tls13(s) && !any_13));
    chosen.sort_by_key(|suite| named(suite).unwrap_or(usize::MAX));
    (chosen, unknown)
}

/// What is served unless told otherwise.
pub fn all_curves() -> Curves {
    ring::ALL_KX_GROUPS.to_vec()
}

/// The curves of `ssl_ecdh_curve`, or the first that rustls does not have.
pub fn curves(string: &str) -> Result<Curves, String> {
    if string == "auto" {
        return Ok(all_curves());
    }
    let curve = |word: &str| {
        let (_, group) = CURVES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))?;
        let mut groups = ring::ALL_KX_GROUPS.iter();
        groups.find(|g| g.name() == *group).copied()
    };
    let words = string.split(':');
    words
        .map(|word| curve(word).ok_or_else(|| word.to_owned()))
        .collect()
}

/// OpenSSL's name.
pub fn name(suite: CipherSuite) -> Option<&'static str> {
    let (name, _) = SUITES.iter().find(|(_, known)| *known == suite)?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(string: &str) -> Vec<&'static str> {
        let (chosen, unknown) = ciphers(string);
        assert_eq!(unknown, []);
        chosen.iter().filter_map(|s| name(s.suite())).collect()
    }

    #[test]
    fn what_is_strong_is_what_rustls_has() {
        assert_eq!(
            names("HIGH:!aNULL:!MD5").len(),
            ring::ALL_CIPHER_SUITES.len()
        );
    }

    #[test]
    fn the_first_named_is_the_favourite_and_tls_1_3_is_left_alone() {
        let got = names("ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256");
        assert_eq!(
            got[..2],
            ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"]
        );
        assert_eq!(got.len(), 2 + 3);
        let one = names("TLS_AES_128_GCM_SHA256 ECDHE-RSA-AES128-GCM-SHA256");
        assert_eq!(
            one,
            ["TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"]
        );
    }

    #[test]
    fn words_without_an_equivalent_are_told() {
        let (_, unknown) = ciphers("AES256-SHA:!AES128:DHE-RSA-AES128-GCM-SHA256:!RC4");
        assert_eq!(
            unknown,
            [
                Unknown::Word("AES256-SHA".into()),
                Unknown::Word("!AES128".into()),
                Unknown::FiniteField("DHE-RSA-AES128-GCM-SHA256".into()),
            ]
        );
    }

    #[test]
    fn curves_go_by_several_names() {
        let groups = |text| curves(text).map(|c| c.iter().map(|g| g.name()).collect::<Vec<_>>());
        assert_eq!(
            groups("secp384r1:prime256v1"),
            Ok(vec![NamedGroup::secp384r1, NamedGroup::secp256r1])
        );
        assert_eq!(groups("X25519:secp521r1"), Err("secp521r1".into()));
    }
}
