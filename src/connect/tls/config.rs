use std::path::PathBuf;

use super::CipherSuite;

/// How servers are spoken to over TLS, as values that may come from a file;
/// [`Tls::from_config`](crate::connect::Tls::from_config) makes a client of them (feature `tls`).
///
/// Whether certificates are verified has no default here: it has to be said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TlsConfig {
    /// Whether a server's certificate has to be vouched for (`proxy_ssl_verify`).
    pub verify: Verify,
    /// What is shown to servers that ask who we are, default nothing (`proxy_ssl_certificate`,
    /// `proxy_ssl_certificate_key`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub identity: Option<Identity>,
    /// The name certificates have to be for and that is sent as SNI, default the host of each server's
    /// line as it was written (`proxy_ssl_name`; there the host of `proxy_pass`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub name: Option<String>,
    /// Whether the name is sent as SNI, default yes (`proxy_ssl_server_name`, there no).
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub server_name: bool,
    /// Whether a later connection takes up the session of an earlier one to the same address, default
    /// yes (`proxy_ssl_session_reuse`).
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub session_reuse: bool,
    /// The versions offered, default both (`proxy_ssl_protocols`).
    #[cfg_attr(feature = "serde", serde(default = "both"))]
    pub versions: Vec<TlsVersion>,
    /// The TLS 1.2 suites offered, most wanted first; empty is as rustls has them
    /// (`proxy_ssl_ciphers`). Those of TLS 1.3 are always as rustls has them, as in NGINX they are
    /// OpenSSL's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ciphers: Vec<CipherSuite>,
}

impl TlsConfig {
    /// Everything else by default.
    pub fn new(verify: Verify) -> Self {
        Self {
            verify,
            identity: None,
            name: None,
            server_name: true,
            session_reuse: true,
            versions: both(),
            ciphers: Vec::new(),
        }
    }
}

/// Whether a server's certificate has to be vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Verify {
    /// **Any certificate will do**, a stranger's too: what is sent cannot be read on its way, but
    /// whoever can answer in the server's place may do so. NGINX's default (`proxy_ssl_verify off`).
    Off,
    /// It has to be for the [name](TlsConfig::name), in force, and signed by one of these.
    On(Trust),
}

/// Who vouches for servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Trust {
    /// A PEM file of certificates that are trusted (`proxy_ssl_trusted_certificate`).
    pub certificates: PathBuf,
    /// A PEM file of what they have taken back, which then has to speak for the whole chain
    /// (`proxy_ssl_crl`). Default: nobody is asked.
    #[cfg_attr(feature = "serde", serde(default))]
    pub crl: Option<PathBuf>,
    /// Certificates between the server's and a trusted one, default 1 (`proxy_ssl_verify_depth`).
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub depth: u32,
}

impl Trust {
    /// These certificates, one between them and a server's, and nothing taken back.
    pub fn new(certificates: impl Into<PathBuf>) -> Self {
        Self {
            certificates: certificates.into(),
            crl: None,
            depth: 1,
        }
    }
}

/// A certificate and its key, each a PEM file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Identity {
    /// The certificate, and behind it those between it and a trusted one.
    pub certificate: PathBuf,
    /// Its key, not encrypted.
    pub key: PathBuf,
}

/// A version that both NGINX and rustls speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TlsVersion {
    /// `TLSv1.2`
    #[cfg_attr(feature = "serde", serde(rename = "TLSv1.2"))]
    Tls12,
    /// `TLSv1.3`
    #[cfg_attr(feature = "serde", serde(rename = "TLSv1.3"))]
    Tls13,
}

fn both() -> Vec<TlsVersion> {
    vec![TlsVersion::Tls12, TlsVersion::Tls13]
}

#[cfg(feature = "serde")]
fn yes() -> bool {
    true
}

#[cfg(feature = "serde")]
fn one() -> u32 {
    1
}
