//! An authority of the test's own, and who it vouches for.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(Self::params("root"), key).unwrap())
    }

    /// One that this one vouches for.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(Self::params(name), key, &self.0).unwrap())
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let common = rcgen::DnType::CommonName;
        params.distinguished_name.push(common, name);
        params
    }

    /// Writes its certificate.
    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, self.0.pem()).unwrap();
    }

    /// Writes a certificate for `name`, and its key, as `NAME.pem` and `NAME.key`.
    pub(crate) fn write_for(&self, name: &str, directory: &Path) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// Writes a list that takes back the certificate with this number.
    pub(crate) fn write_crl(&self, number: u64, path: &Path) {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(4024, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(number),
                revocation_time: date_time_ymd(2024, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.0).unwrap();
        fs::write(path, list.pem().unwrap()).unwrap();
    }

    /// A server whose certificate has this number, and these authorities behind it.
    pub(crate) fn numbered(&self, number: u64, between: &[&Self]) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["orders.test".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(number));
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(between.iter().map(|authority| authority.0.der().clone()));
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder().with_no_client_auth();
        agreeing(config.with_single_cert(chain, key.into()).unwrap())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    fn vouch(&self, names: &[&str]) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (vec![certificate.der().clone()], key.into())
    }

    pub(crate) fn server(&self, names: &[&str]) -> ServerConfig {
        let (chain, key) = self.vouch(names);
        let config = ServerConfig::builder().with_no_client_auth();
        agreeing(config.with_single_cert(chain, key).unwrap())
    }

    /// Lets in only whom the authority vouches for.
    pub(crate) fn strict_server(&self, names: &[&str]) -> ServerConfig {
        let (chain, key) = self.vouch(names);
        let clients = WebPkiClientVerifier::builder(Arc::new(self.roots()));
        let config = ServerConfig::builder().with_client_cert_verifier(clients.build().unwrap());
        agreeing(config.with_single_cert(chain, key).unwrap())
    }

    /// Has somebody's certificate, and a key of its own.
    pub(crate) fn thief(&self, names: &[&str]) -> ServerConfig {
        let ((chain, _), (_, key)) = (self.vouch(names), self.vouch(names));
        let key = any_supported_type(&key).unwrap();
        let shown = Arc::new(CertifiedKey::new(chain, key));
        let config = ServerConfig::builder().with_no_client_auth();
        config.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
    }

    /// Asks who comes, and lets strangers in as well.
    pub(crate) fn optional_server(&self, names: &[&str]) -> ServerConfig {
        let (chain, key) = self.vouch(names);
        let clients = WebPkiClientVerifier::builder(Arc::new(self.roots()));
        let clients = clients.allow_unauthenticated().build().unwrap();
        let config = ServerConfig::builder().with_client_cert_verifier(clients);
        agreeing(config.with_single_cert(chain, key).unwrap())
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let config = ClientConfig::builder().with_root_certificates(self.roots());
        config.with_no_client_auth()
    }

    pub(crate) fn known_client(&self) -> ClientConfig {
        let (chain, key) = self.vouch(&["client.test"]);
        let config = ClientConfig::builder().with_root_certificates(self.roots());
        config.with_client_auth_cert(chain, key).unwrap()
    }
}

fn agreeing(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}
