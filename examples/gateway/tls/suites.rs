//! Cipher suites and curves, by OpenSSL's names.

use tokio_rustls::rustls::crypto::{SupportedKxGroup, ring};
use tokio_rustls::rustls::{CipherSuite as Suite, NamedGroup, SupportedCipherSuite};
use tower_upstream::connect::CipherSuite;

/// `ssl_ecdh_curve`, the favourite first.
pub type Curves = Vec<&'static dyn SupportedKxGroup>;

const CURVES: [(&str, NamedGroup); 6] = [
    ("X25519", NamedGroup::X25519),
    ("prime256v1", NamedGroup::secp256r1),
    ("P-256", NamedGroup::secp256r1),
    ("secp256r1", NamedGroup::secp256r1),
    ("secp384r1", NamedGroup::secp384r1),
    ("P-384", NamedGroup::secp384r1),
];

/// What is served: the suites of TLS 1.3, which are not chosen, and of those before the `chosen`,
/// the favourite first; nothing chosen is everything.
pub fn served(chosen: &[CipherSuite]) -> Vec<SupportedCipherSuite> {
    let all = ring::ALL_CIPHER_SUITES.iter().copied();
    let rank = |suite: &SupportedCipherSuite| {
        let name = name(suite.suite());
        chosen.iter().position(|chosen| chosen.name() == name)
    };
    let keep = |suite: &SupportedCipherSuite| {
        chosen.is_empty() || suite.tls13().is_some() || rank(suite).is_some()
    };
    let mut served: Vec<_> = all.filter(keep).collect();
    served.sort_by_key(|suite| rank(suite));
    served
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
        let mut known = CURVES.iter();
        let (_, group) = known.find(|(name, _)| name.eq_ignore_ascii_case(word))?;
        let mut groups = ring::ALL_KX_GROUPS.iter();
        groups.find(|g| g.name() == *group).copied()
    };
    let words = string.split(':');
    words
        .map(|word| curve(word).ok_or_else(|| word.to_owned()))
        .collect()
}

/// OpenSSL's name; nothing for what we do not serve.
pub fn name(suite: Suite) -> &'static str {
    match suite {
        Suite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        Suite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        Suite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => CipherSuite::EcdsaAes256.name(),
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => CipherSuite::EcdsaAes128.name(),
        Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => CipherSuite::EcdsaChaCha20.name(),
        Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => CipherSuite::RsaAes256.name(),
        Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => CipherSuite::RsaAes128.name(),
        Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => CipherSuite::RsaChaCha20.name(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &[CipherSuite]) -> Vec<&'static str> {
        served(chosen).iter().map(|s| name(s.suite())).collect()
    }

    #[test]
    fn everything_has_a_name() {
        let names = names(&[]);
        assert_eq!(names.len(), ring::ALL_CIPHER_SUITES.len());
        assert!(!names.contains(&""));
    }

    #[test]
    fn the_first_chosen_is_the_favourite_and_tls_1_3_is_left_alone() {
        let got = names(&[CipherSuite::RsaChaCha20, CipherSuite::RsaAes128]);
        assert_eq!(
            got[3..],
            ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"]
        );
        assert!(got[..3].iter().all(|name| name.starts_with("TLS_")));
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
