//! `ssl_*`, which stand on the levels of `http` and `server` only.

use std::sync::Arc;
use std::time::Duration;

use tower_upstream::connect::{CipherSuite, TlsVersion};
use tower_upstream::nginx::values::{Value, fill, flag, invalid_value, number, size};
use tower_upstream::nginx::{Directive, Place, Problems, Word, ciphers, tls_versions, units};

use super::shared::Shared;
use crate::tls::suites::{self, Curves};
use crate::tls::{Settings, Site, Store, VerifyClient};

/// `ssl_session_timeout` and `ssl_buffer_size` where nothing is said.
const SESSION_TIMEOUT: Duration = Duration::from_secs(5 * 60);
const BUFFER_SIZE: usize = 16 * 1024;

/// The least a record may hold, by rustls' rules.
const LEAST_BUFFER: usize = 32;

/// How many sessions OpenSSL's own cache holds.
const BUILTIN_SESSIONS: u64 = 20 * 1024;

/// NGINX's least `shared` cache: eight pages.
const LEAST_STORE: u64 = 8 * 4096;

/// What a level says about TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ssl {
    certificates: Vec<Word>,
    keys: Vec<Word>,
    protocols: Option<Vec<TlsVersion>>,
    ciphers: Option<Vec<CipherSuite>>,
    prefer_server_ciphers: Option<bool>,
    curves: Option<Curves>,
    cache: Option<Option<Arc<Store>>>,
    timeout: Option<Duration>,
    tickets: Option<bool>,
    buffer_size: Option<usize>,
    verify: Option<(VerifyClient, Place)>,
    verify_depth: Option<u64>,
    client_certificate: Option<Word>,
    trusted_certificate: Option<Word>,
    crl: Option<Word>,
    reject_handshake: Option<bool>,
    stapling: Option<bool>,
    early_data: Option<bool>,
}

impl Ssl {
    /// False if the directive is another one.
    pub(crate) fn directive(&mut self, d: &Directive, shared: &mut Shared) -> bool {
        let problems = &mut shared.problems;
        match d.name() {
            "ssl_certificate" => self.certificates.extend(d.args.first().cloned()),
            "ssl_certificate_key" => self.keys.extend(d.args.first().cloned()),
            "ssl_protocols" => tls_versions(&mut self.protocols, d, problems),
            "ssl_ciphers" => fill(&mut self.ciphers, d, problems, cipher_string),
            "ssl_prefer_server_ciphers" => {
                fill(&mut self.prefer_server_ciphers, d, problems, flag);
            }
            "ssl_ecdh_curve" => fill(&mut self.curves, d, problems, curves),
            "ssl_session_cache" => self.session_cache(d, shared),
            "ssl_session_timeout" => fill(&mut self.timeout, d, problems, seconds),
            "ssl_session_tickets" => fill(&mut self.tickets, d, problems, flag),
            "ssl_buffer_size" => fill(&mut self.buffer_size, d, problems, buffer_size),
            "ssl_verify_client" => self.verify(d, problems),
            "ssl_verify_depth" => fill(&mut self.verify_depth, d, problems, number),
            "ssl_client_certificate" => fill(&mut self.client_certificate, d, problems, file),
            "ssl_trusted_certificate" => fill(&mut self.trusted_certificate, d, problems, file),
            "ssl_crl" => fill(&mut self.crl, d, problems, file),
            "ssl_reject_handshake" => fill(&mut self.reject_handshake, d, problems, flag),
            "ssl_stapling" => fill(&mut self.stapling, d, problems, |d| {
                off(d, "leave stapling off: nobody here asks an OCSP responder")
            }),
            "ssl_early_data" => fill(&mut self.early_data, d, problems, |d| {
                off(d, "leave early data off: it can be replayed")
            }),
            _ => return false,
        }
        true
    }

    /// Fills what a server leaves open.
    pub(crate) fn inherit(&mut self, outer: &Self) {
        if self.certificates.is_empty() {
            self.certificates.clone_from(&outer.certificates);
        }
        if self.keys.is_empty() {
            self.keys.clone_from(&outer.keys);
        }
        inherit(&mut self.protocols, &outer.protocols);
        inherit(&mut self.ciphers, &outer.ciphers);
        inherit(
            &mut self.prefer_server_ciphers,
            &outer.prefer_server_ciphers,
        );
        inherit(&mut self.curves, &outer.curves);
        inherit(&mut self.cache, &outer.cache);
        inherit(&mut self.timeout, &outer.timeout);
        inherit(&mut self.tickets, &outer.tickets);
        inherit(&mut self.buffer_size, &outer.buffer_size);
        inherit(&mut self.verify, &outer.verify);
        inherit(&mut self.verify_depth, &outer.verify_depth);
        inherit(&mut self.client_certificate, &outer.client_certificate);
        inherit(&mut self.trusted_certificate, &outer.trusted_certificate);
        inherit(&mut self.crl, &outer.crl);
        inherit(&mut self.reject_handshake, &outer.reject_handshake);
    }

    /// `ssl_verify_client`
    pub(crate) fn verify_client(&self) -> VerifyClient {
        self.verify.as_ref().map_or(VerifyClient::Off, |(v, _)| *v)
    }

    /// Whether there is anything to show.
    pub(crate) fn has_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// Whether nobody is to see it.
    pub(crate) fn rejects(&self) -> bool {
        self.reject_handshake == Some(true)
    }

    /// What a server brings to handshakes, if it is to take part in any.
    pub(crate) fn site(&self, shared: &mut Shared) -> Option<Arc<Site>> {
        if !self.has_certificates() && !self.rejects() {
            return None;
        }
        let problems = &mut shared.problems;
        if let Some(certificate) = self.certificates.get(self.keys.len()) {
            let name = &self.certificates.last().unwrap_or(certificate).text;
            let message =
                format!("no \"ssl_certificate_key\" is defined for certificate \"{name}\"");
            crate::tls::complain(problems, certificate, message);
            return None;
        }
        let needed = matches!(
            self.verify_client(),
            VerifyClient::On | VerifyClient::Optional
        );
        if let Some((_, place)) = self.verify.as_ref().filter(|_| needed) {
            if self.client_certificate.is_none() {
                problems.push(place, "no ssl_client_certificate for ssl_verify_client");
                return None;
            }
        }
        let pairs = self.certificates.iter().zip(&self.keys);
        let settings = Settings {
            pairs: pairs
                .map(|(chain, key)| (chain.clone(), key.clone()))
                .collect(),
            protocols: self.protocols.clone().unwrap_or_default(),
            ciphers: self.ciphers.clone().unwrap_or_default(),
            prefer_server_ciphers: self.prefer_server_ciphers.unwrap_or(false),
            curves: self.curves.clone().unwrap_or_else(suites::all_curves),
            store: self.cache.clone().flatten(),
            session_timeout: self.timeout.unwrap_or(SESSION_TIMEOUT),
            session_tickets: self.tickets.unwrap_or(true),
            buffer_size: self.buffer_size.unwrap_or(BUFFER_SIZE),
            verify: self.verify_client(),
            verify_depth: usize::try_from(self.verify_depth.unwrap_or(1)).unwrap_or(usize::MAX),
            client_certificate: self.client_certificate.clone(),
            trusted_certificate: self.trusted_certificate.clone(),
            crl: self.crl.clone(),
            reject_handshake: self.reject_handshake.unwrap_or(false),
        };
        Site::new(&settings, &shared.base, problems).map(Arc::new)
    }

    /// `ssl_session_cache`: a later line replaces an earlier one.
    fn session_cache(&mut self, d: &Directive, shared: &mut Shared) {
        let mut cache = None;
        for word in &d.args {
            match session_cache(&word.text, d, shared) {
                Ok(Some(store)) => cache = Some(store),
                Ok(None) => {}
                Err(message) => shared.problems.push(&word.place, message),
            }
        }
        self.cache = Some(cache);
    }

    /// `ssl_verify_client`
    fn verify(&mut self, d: &Directive, problems: &mut Problems) {
        let place = d.name.place.clone();
        fill(&mut self.verify, d, problems, |d| {
            let verify = match d.arg(0).to_ascii_lowercase().as_str() {
                "off" => VerifyClient::Off,
                "on" => VerifyClient::On,
                "optional" => VerifyClient::Optional,
                "optional_no_ca" => VerifyClient::OptionalNoCa,
                _ => return Err(format!("invalid value \"{}\"", d.arg(0))),
            };
            Ok((verify, place))
        });
    }
}

fn inherit<T: Clone>(inner: &mut Option<T>, outer: &Option<T>) {
    if inner.is_none() {
        inner.clone_from(outer);
    }
}

/// `off`, `none`, `builtin[:SESSIONS]` or `shared:NAME:SIZE`. OpenSSL has its own cache in every
/// process; here workers are threads and share it.
fn session_cache(
    text: &str,
    d: &Directive,
    shared: &mut Shared,
) -> Result<Option<Arc<Store>>, String> {
    let invalid = || format!("invalid session cache \"{text}\"");
    let builtin = |sessions: u64| {
        let most = usize::try_from(sessions).unwrap_or(usize::MAX);
        Some(Arc::new(Store::new(most)))
    };
    match text.split_once(':') {
        None if matches!(text, "off" | "none") => Ok(None),
        None if text == "builtin" => Ok(builtin(BUILTIN_SESSIONS)),
        Some(("builtin", sessions)) => match units::number(sessions).ok_or_else(invalid)? {
            // OpenSSL's word for no bound at all.
            0 => Ok(builtin(BUILTIN_SESSIONS)),
            sessions => Ok(builtin(sessions)),
        },
        Some(("shared", zone)) => {
            let (name, bytes) = zone.split_once(':').ok_or_else(invalid)?;
            let bytes = units::size(bytes).filter(|_| !name.is_empty());
            let bytes = bytes.ok_or_else(invalid)?;
            if bytes < LEAST_STORE {
                return Err(format!("session cache \"{text}\" is too small"));
            }
            if !super::limit::sessions(d, name, bytes, shared) {
                return Ok(None);
            }
            Ok(Some(shared.stores.shared(name, bytes)))
        }
        _ => Err(invalid()),
    }
}

fn cipher_string(d: &Directive) -> Value<Vec<CipherSuite>> {
    ciphers(d.arg(0)).map_err(|what| {
        format!("{what}: leave it out, or list names such as ECDHE-ECDSA-AES128-GCM-SHA256")
    })
}

fn curves(d: &Directive) -> Value<Curves> {
    suites::curves(d.arg(0)).map_err(|curve| {
        format!("\"ssl_ecdh_curve\": rustls has no \"{curve}\", only X25519, prime256v1, secp384r1")
    })
}

fn seconds(d: &Directive) -> Value<Duration> {
    units::time_s(d.arg(0)).ok_or_else(|| invalid_value(d))
}

fn buffer_size(d: &Directive) -> Value<usize> {
    match size(d)? {
        ..LEAST_BUFFER => Err(format!("\"ssl_buffer_size\" is less than {LEAST_BUFFER}")),
        size => Ok(size),
    }
}

fn file(d: &Directive) -> Value<Word> {
    d.args.first().cloned().ok_or_else(|| invalid_value(d))
}

/// What may only be off.
fn off(d: &Directive, fix: &str) -> Value<bool> {
    match flag(d)? {
        false => Ok(false),
        true => Err(format!("\"{} on\" is not supported, {fix}", d.name())),
    }
}
