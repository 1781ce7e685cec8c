//! An authority of the test's own, and who it vouches for.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
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
