//! Client certificates. As with NGINX, none of them ends a handshake: whoever shows one that does not
//! convince, or none, is told so with a page. What is thought of it is worked out after the handshake
//! from what the session holds, so a session taken up again is judged anew.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationOptions,
    RevocationOptionsBuilder, anchor_from_trusted_cert,
};

use super::verdict::{Reason, Verdict};

/// Whom a server believes, and whom not any more.
#[derive(Debug)]
pub struct Clients {
    anchors: Vec<TrustAnchor<'static>>,
    trusted: Vec<CertificateDer<'static>>,
    revoked: Vec<CertRevocationList<'static>>,
    /// Most certificates between a client's own and a trusted one.
    depth: usize,
    /// Whom clients are told to come from.
    hints: Vec<DistinguishedName>,
}

impl Clients {
    /// A server that believes `told` and `untold`, of which clients hear of the former. An error says
    /// what is no certificate.
    pub fn new(
        told: Vec<CertificateDer<'static>>,
        untold: Vec<CertificateDer<'static>>,
        revoked: Vec<CertRevocationList<'static>>,
        depth: usize,
    ) -> Result<Self, webpki::Error> {
        let hints = told.len();
        let trusted = [told, untold].concat();
        let mut anchors = Vec::new();
        for certificate in &trusted {
            anchors.push(anchor_from_trusted_cert(certificate)?.to_owned());
        }
        let hints = anchors.iter().take(hints);
        Ok(Self {
            hints: hints
                .map(|a| DistinguishedName::in_sequence(&a.subject))
                .collect(),
            anchors,
            trusted,
            revoked,
            depth,
        })
    }

    /// The certificates of those who are believed.
    pub fn trusted(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.trusted.iter()
    }

    /// What is thought of a client that has shown `chain`, its own certificate first.
    pub fn judge(&self, chain: &[CertificateDer<'_>]) -> Verdict {
        let Some((own, others)) = chain.split_first() else {
            return Verdict::None;
        };
        match self.verify(own, others) {
            Ok(()) => Verdict::Success,
            Err(error) => {
                let last = others.last().unwrap_or(own);
                let alone = others.is_empty();
                let self_signed = is_self_signed(last);
                // Who vouches for others and only for itself is somebody unknown, whatever it is for.
                let error = match error {
                    webpki::Error::CaUsedAsEndEntity if self_signed => webpki::Error::UnknownIssuer,
                    error => error,
                };
                Verdict::Failed(Reason::of(&error, self_signed, alone))
            }
        }
    }

    fn verify(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), webpki::Error> {
        let lists: Vec<_> = self.revoked.iter().collect();
        let depth = |path: &webpki::VerifiedPath<'_>| match path.intermediate_certificates().count()
            > self.depth
        {
            true => Err(webpki::Error::MaximumPathDepthExceeded),
            false => Ok(()),
        };
        let end = EndEntityCert::try_from(own)?;
        let verified = end.verify_for_usage(
            algorithms().all,
            &self.anchors,
            others,
            UnixTime::now(),
            KeyUsage::client_auth(),
            revocation(&lists),
            Some(&depth),
        );
        match verified {
            Ok(_) => Ok(()),
            // Trusted as it is, although it could vouch for others as well.
            Err(webpki::Error::CaUsedAsEndEntity) if self.is_trusted(own) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_trusted(&self, own: &CertificateDer<'_>) -> bool {
        let valid = |der: &CertificateDer<'_>| {
            let parsed = x509_parser::parse_x509_certificate(der).ok();
            parsed.is_some_and(|(_, certificate)| certificate.validity().is_valid())
        };
        self.trusted.iter().any(|known| known == own) && valid(own)
    }
}

fn revocation<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    // Nobody to ask is fine: there is no list.
    let builder = RevocationOptionsBuilder::new(lists).ok()?;
    Some(
        builder
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build(),
    )
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    let parsed = x509_parser::parse_x509_certificate(certificate).ok();
    parsed.is_some_and(|(_, certificate)| certificate.subject() == certificate.issuer())
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    ring::default_provider().signature_verification_algorithms
}

/// Asks clients for a certificate and takes whatever comes; only its key must be theirs.
#[derive(Debug)]
pub struct Asking {
    clients: Arc<Clients>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Asking {
    /// On behalf of a server.
    pub fn new(clients: Arc<Clients>) -> Self {
        Self {
            clients,
            algorithms: algorithms(),
        }
    }
}

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.clients.hints
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
