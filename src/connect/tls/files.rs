use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion,
};

use super::client::Tls;
use super::sessions::Sessions;
use super::verifier::{Anyone, NoDeeper};
use super::{CipherSuite, Identity, TlsConfig, TlsVersion, Trust, Verify};
use crate::error::ConfigError;

/// The value of a [`TlsConfig`] that something is wrong with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Trusted,
    Crl,
    Certificate,
    Key,
    Name,
    Versions,
}

type Wrong = (Part, String);

impl Tls {
    /// TLS as `config` says. Its files are read here, and not again.
    ///
    /// The cryptography is the process's own choice, which has to be made before
    /// ([`CryptoProvider::install_default`]).
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once: no cryptography was chosen, a file cannot be read or is not
    /// what it should be, a key belongs to another certificate, the name is none.
    pub fn from_config(config: &TlsConfig) -> Result<Self, ConfigError> {
        Self::read(config).map_err(|wrong| {
            let messages = wrong.into_iter().map(|(_, message)| message);
            ConfigError::new(messages.collect())
        })
    }

    /// The same, with the value that each problem is about.
    pub(crate) fn read(config: &TlsConfig) -> Result<Self, Vec<Wrong>> {
        let Some(installed) = CryptoProvider::get_default() else {
            let message = "TLS needs cryptography, and none was chosen: call rustls's \
                           CryptoProvider::install_default first";
            return Err(vec![(Part::Whole, message.into())]);
        };
        let provider = Arc::new(offering(installed, &config.ciphers));
        let mut wrong = Vec::new();
        let verifier = verifier(&config.verify, &provider, &mut wrong);
        let identity = config.identity.as_ref();
        let identity = identity.and_then(|files| identity_of(files, &mut wrong));
        let name = server_name(config).unwrap_or_else(|message| {
            wrong.push((Part::Name, message));
            None
        });
        let versions: Vec<&SupportedProtocolVersion> =
            config.versions.iter().copied().map(version).collect();
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = match builder.with_protocol_versions(&versions) {
            Ok(builder) => Some(builder),
            Err(error) => {
                wrong.push((Part::Versions, format!("no TLS is left to offer: {error}")));
                None
            }
        };
        let (Some(builder), Some(verifier), true) = (builder, verifier, wrong.is_empty()) else {
            return Err(wrong);
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut client = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
                let path = config.identity.as_ref().map(|files| files.key.display());
                let path = path.map(|path| path.to_string()).unwrap_or_default();
                let message = format!("cannot use certificate key \"{path}\": {error}");
                vec![(Part::Key, message)]
            })?,
        };
        client.enable_sni = config.server_name;
        client.resumption = Resumption::disabled();
        let sessions = config.session_reuse.then(Sessions::default);
        Ok(Self::made(client, name, sessions))
    }
}

/// The provider with no other TLS 1.2 suites than these, in this order; all if there are none.
fn offering(provider: &CryptoProvider, wanted: &[CipherSuite]) -> CryptoProvider {
    let mut provider = provider.clone();
    if wanted.is_empty() {
        return provider;
    }
    let rank = |suite: &SupportedCipherSuite| {
        let wanted = wanted.iter().map(|wanted| rustls_name(*wanted));
        match suite.version().version {
            rustls::ProtocolVersion::TLSv1_3 => Some(0),
            _ => wanted
                .zip(1..)
                .find(|(name, _)| *name == suite.suite())
                .map(|(_, rank)| rank),
        }
    };
    provider.cipher_suites.retain(|suite| rank(suite).is_some());
    provider.cipher_suites.sort_by_key(rank);
    provider
}

fn rustls_name(suite: CipherSuite) -> rustls::CipherSuite {
    use rustls::CipherSuite as Rustls;
    match suite {
        CipherSuite::EcdsaAes256 => Rustls::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdsaAes128 => Rustls::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdsaChaCha20 => Rustls::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::RsaAes256 => Rustls::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::RsaAes128 => Rustls::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::RsaChaCha20 => Rustls::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

fn version(version: TlsVersion) -> &'static SupportedProtocolVersion {
    match version {
        TlsVersion::Tls12 => &TLS12,
        TlsVersion::Tls13 => &TLS13,
    }
}

/// A name nobody hears or compares need not be one: it only has to stand there.
fn server_name(config: &TlsConfig) -> Result<Option<ServerName<'static>>, String> {
    let Some(name) = &config.name else {
        return Ok(None);
    };
    let unused = config.verify == Verify::Off && !config.server_name;
    match ServerName::try_from(name.clone()) {
        Ok(name) => Ok(Some(name)),
        Err(_) if unused => Ok(ServerName::try_from("unused.invalid").ok()),
        Err(_) => Err(format!("\"{name}\" is no server name for TLS")),
    }
}

fn verifier(
    verify: &Verify,
    provider: &Arc<CryptoProvider>,
    wrong: &mut Vec<Wrong>,
) -> Option<Arc<dyn ServerCertVerifier>> {
    match verify {
        Verify::Off => Some(Arc::new(Anyone(Arc::clone(provider)))),
        Verify::On(trust) => {
            let before = wrong.len();
            let roots = roots(trust, wrong);
            let crls = crls(trust, wrong);
            if wrong.len() > before {
                return None;
            }
            let builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            // As NGINX: the whole chain, and a list has to be in force.
            let builder = builder.with_crls(crls).enforce_revocation_expiration();
            match builder.build() {
                Ok(verifier) => Some(Arc::new(NoDeeper {
                    verifier,
                    depth: usize::try_from(trust.depth).unwrap_or(usize::MAX),
                })),
                Err(error) => {
                    wrong.push((
                        Part::Crl,
                        format!("cannot use the revocation list: {error}"),
                    ));
                    None
                }
            }
        }
    }
}

fn roots(trust: &Trust, wrong: &mut Vec<Wrong>) -> RootCertStore {
    let path = &trust.certificates;
    let mut roots = RootCertStore::empty();
    let added = certificates(path).and_then(|found| {
        let mut added = found.into_iter().map(|certificate| roots.add(certificate));
        added.try_for_each(|added| added.map_err(|error| error.to_string()))
    });
    if let Err(why) = added {
        let path = path.display();
        wrong.push((
            Part::Trusted,
            format!("cannot load trusted certificate \"{path}\": {why}"),
        ));
    }
    roots
}

fn crls(trust: &Trust, wrong: &mut Vec<Wrong>) -> Vec<CertificateRevocationListDer<'static>> {
    let Some(path) = &trust.crl else {
        return Vec::new();
    };
    let found = all::<CertificateRevocationListDer<'static>>(path, "revocation list");
    found.unwrap_or_else(|why| {
        let path = path.display();
        wrong.push((
            Part::Crl,
            format!("cannot load revocation list \"{path}\": {why}"),
        ));
        Vec::new()
    })
}

fn identity_of(
    files: &Identity,
    wrong: &mut Vec<Wrong>,
) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(&files.certificate).map_err(|why| {
        let path = files.certificate.display();
        wrong.push((
            Part::Certificate,
            format!("cannot load certificate \"{path}\": {why}"),
        ));
    });
    let key = key(&files.key).map_err(|why| {
        let path = files.key.display();
        wrong.push((
            Part::Key,
            format!("cannot load certificate key \"{path}\": {why}"),
        ));
    });
    Some((chain.ok()?, key.ok()?))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    all(path, "certificate")
}

/// Every item of a PEM file that has at least one.
fn all<T: PemObject>(path: &Path, what: &str) -> Result<Vec<T>, String> {
    let found: Result<Vec<T>, PemError> = T::pem_file_iter(path).and_then(Iterator::collect);
    match found {
        Ok(found) if found.is_empty() => Err(format!("no {what} in it")),
        Ok(found) => Ok(found),
        Err(error) => Err(why(error)),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        PemError::NoItemsFound => "no key in it that is not encrypted".into(),
        error => why(error),
    })
}

fn why(error: PemError) -> String {
    match error {
        PemError::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}
