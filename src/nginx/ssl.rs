use std::path::{Path, PathBuf};

use super::values::{self, fill};
use super::{Directive, PassTls, PassUrl, Place, Problems, Template, Variables};
use super::{ciphers, tls_versions};
use crate::upstream::config::{CipherSuite, Identity, TlsConfig, TlsVersion, Trust, Verify};

/// The `proxy_ssl_*` or `grpc_ssl_*` directives of one level; `None` is inherited from the level
/// around it (CF-1).
#[derive(Clone, Debug, Default)]
pub struct SslLevel {
    certificate: Option<At<String>>,
    certificate_key: Option<At<String>>,
    trusted_certificate: Option<At<String>>,
    crl: Option<At<String>>,
    name: Option<At<Template>>,
    verify: Option<At<bool>>,
    verify_depth: Option<u32>,
    server_name: Option<bool>,
    session_reuse: Option<bool>,
    versions: Option<Vec<TlsVersion>>,
    ciphers: Option<Vec<CipherSuite>>,
}

/// A value, and where it was said.
#[derive(Clone, Debug)]
struct At<T> {
    value: T,
    place: Place,
}

fn at<T>(d: &Directive, value: T) -> At<T> {
    let place = d.place(0).clone();
    At { value, place }
}

fn text(d: &Directive) -> values::Value<At<String>> {
    Ok(at(d, d.arg(0).to_owned()))
}

/// A file's name. NGINX would make one for every request of the variables in it.
fn path(d: &Directive) -> values::Value<At<String>> {
    match d.arg(0).contains('$') {
        true => Err(format!("variables in \"{}\" are not supported", d.name())),
        false => text(d),
    }
}

impl SslLevel {
    /// Reads a directive whose name begins with `prefix`, `proxy_ssl_` or `grpc_ssl_`, into its level;
    /// false if it is another one. `known` says which variables there are. Its shape must have been
    /// checked by [`rule`](super::rule).
    pub fn directive(
        &mut self,
        prefix: &str,
        d: &Directive,
        known: impl Fn(&str) -> bool,
        problems: &mut Problems,
    ) -> bool {
        let Some(what) = d.name().strip_prefix(prefix) else {
            return false;
        };
        match what {
            "certificate" => fill(&mut self.certificate, d, problems, path),
            "certificate_key" => fill(&mut self.certificate_key, d, problems, path),
            "trusted_certificate" => fill(&mut self.trusted_certificate, d, problems, text),
            "crl" => fill(&mut self.crl, d, problems, text),
            "name" => fill(&mut self.name, d, problems, |d| {
                Ok(at(d, Template::parse(d.arg(0), known)?))
            }),
            "verify" => fill(&mut self.verify, d, problems, |d| {
                Ok(at(d, values::flag(d)?))
            }),
            "verify_depth" => fill(&mut self.verify_depth, d, problems, |d| {
                Ok(u32::try_from(values::number(d)?).unwrap_or(u32::MAX))
            }),
            "server_name" => fill(&mut self.server_name, d, problems, values::flag),
            "session_reuse" => fill(&mut self.session_reuse, d, problems, values::flag),
            "protocols" => tls_versions(&mut self.versions, d, problems),
            "ciphers" => fill(&mut self.ciphers, d, problems, |d| ciphers(d.arg(0))),
            _ => return false,
        }
        true
    }

    /// Takes from the level around it what this one leaves open.
    pub fn inherit(&mut self, outer: &Self) {
        fn take<T: Clone>(own: &mut Option<T>, outer: &Option<T>) {
            if own.is_none() {
                own.clone_from(outer);
            }
        }
        take(&mut self.certificate, &outer.certificate);
        take(&mut self.certificate_key, &outer.certificate_key);
        take(&mut self.trusted_certificate, &outer.trusted_certificate);
        take(&mut self.crl, &outer.crl);
        take(&mut self.name, &outer.name);
        take(&mut self.verify, &outer.verify);
        take(&mut self.verify_depth, &outer.verify_depth);
        take(&mut self.server_name, &outer.server_name);
        take(&mut self.session_reuse, &outer.session_reuse);
        take(&mut self.versions, &outer.versions);
        take(&mut self.ciphers, &outer.ciphers);
    }

    /// The values that hold for a destination, NGINX's defaults where nothing was said: certificates
    /// are **not verified**, and no name is sent. Files are relative to `base`, the folder of the
    /// configuration; they are not read yet. `d` is what names the destination, such as `proxy_pass`.
    ///
    /// None if it is not spoken to over TLS, or something is wrong.
    pub fn finish(
        &self,
        prefix: &str,
        pass: &PassUrl,
        d: &Directive,
        base: &Path,
        problems: &mut Problems,
    ) -> Option<PassTls> {
        if !pass.scheme.is_secure() {
            return None;
        }
        let file = |at: &At<String>| base.join(&at.value);
        let verify = self.verify(prefix, &file, problems);
        let identity = self.identity(prefix, &file, problems);
        let used = self.server_name == Some(true) || verify.as_ref() != Some(&Verify::Off);
        let follows = self.name.as_ref();
        let follows = follows.filter(|name| used && follows_request(&name.value));
        let at = |value: &Option<At<String>>| match value {
            Some(at) => at.place.clone(),
            None => d.place(0).clone(),
        };
        Some(PassTls {
            whole: d.place(0).clone(),
            certificate: at(&self.certificate),
            key: at(&self.certificate_key),
            trusted: at(&self.trusted_certificate),
            crl: at(&self.crl),
            name: match &self.name {
                Some(name) => name.place.clone(),
                None => d.place(0).clone(),
            },
            follows: follows.map(|name| name.value.clone()),
            config: TlsConfig {
                identity: identity?,
                name: match follows {
                    Some(_) => None,
                    None => Some(self.fixed_name(pass)),
                },
                server_name: self.server_name.unwrap_or(false),
                session_reuse: self.session_reuse.unwrap_or(true),
                versions: match &self.versions {
                    Some(versions) => versions.clone(),
                    None => vec![TlsVersion::Tls12, TlsVersion::Tls13],
                },
                ciphers: self.ciphers.clone().unwrap_or_default(),
                ..TlsConfig::new(verify?)
            },
        })
    }

    fn verify(
        &self,
        prefix: &str,
        file: &impl Fn(&At<String>) -> PathBuf,
        problems: &mut Problems,
    ) -> Option<Verify> {
        let Some(At { value: true, place }) = &self.verify else {
            return Some(Verify::Off);
        };
        let Some(trusted) = &self.trusted_certificate else {
            let message = format!("no {prefix}trusted_certificate for {prefix}verify");
            problems.push(place, message);
            return None;
        };
        Some(Verify::On(Trust {
            crl: self.crl.as_ref().map(file),
            depth: self.verify_depth.unwrap_or(1),
            ..Trust::new(file(trusted))
        }))
    }

    /// An empty certificate is none.
    fn identity(
        &self,
        prefix: &str,
        file: &impl Fn(&At<String>) -> PathBuf,
        problems: &mut Problems,
    ) -> Option<Option<Identity>> {
        match (&self.certificate, &self.certificate_key) {
            (None, _) => Some(None),
            (Some(certificate), None) => {
                let text = &certificate.value;
                let message =
                    format!("no \"{prefix}certificate_key\" is defined for certificate \"{text}\"");
                problems.push(&certificate.place, message);
                None
            }
            (Some(certificate), Some(_)) if certificate.value.is_empty() => Some(None),
            (Some(certificate), Some(key)) => {
                if let Some(engine) = key.value.strip_prefix("engine:") {
                    let message = format!("engines are OpenSSL's: \"{engine}\" cannot be used");
                    problems.push(&key.place, message);
                    return None;
                }
                Some(Some(Identity {
                    certificate: file(certificate),
                    key: file(key),
                }))
            }
        }
    }

    /// `proxy_ssl_name`, as far as it is known before there is a request; default the destination's
    /// host.
    fn fixed_name(&self, pass: &PassUrl) -> String {
        let Some(At { value, .. }) = &self.name else {
            return tls_name(&pass.host).to_owned();
        };
        let mut name = String::new();
        value.eval(&Destination(pass), &mut name);
        tls_name(&name).to_owned()
    }
}

/// Whether a name can be different with every request.
fn follows_request(name: &Template) -> bool {
    let fixed = |name: &str| matches!(name, "proxy_host" | "proxy_port");
    name.variables().any(|name| !fixed(name))
}

/// What is known of a destination before there is a request.
struct Destination<'a>(&'a PassUrl);

impl Variables for Destination<'_> {
    fn append(&self, name: &str, out: &mut String) -> bool {
        match name {
            "proxy_host" => out.push_str(&self.0.host),
            "proxy_port" => out.push_str(&self.0.port),
            _ => return false,
        }
        true
    }
}

/// What `proxy_ssl_name` comes to, as it stands in a certificate: no port, and no brackets.
pub fn tls_name(name: &str) -> &str {
    if let Some((v6, _)) = name.strip_prefix('[').and_then(|name| name.split_once(']')) {
        return v6;
    }
    name.split_once(':').map_or(name, |(host, _)| host)
}
