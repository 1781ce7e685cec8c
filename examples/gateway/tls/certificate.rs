//! Certificates, keys and lists of the revoked, from PEM files; what is wrong with one is told where
//! it is named.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::{Error, PemObject};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer,
};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, InconsistentKeys};
use tower_upstream::nginx::{Problems, Word};

/// The certificates of a server, one of which suits a client.
#[derive(Debug)]
pub struct Choice(pub Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Choice {
    /// The first that the client's favourite signature can be made with; of one kind the last
    /// configured counts, as with OpenSSL.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes().iter();
        let mut found = schemes.filter_map(|scheme| {
            let mut pairs = self.0.iter().rev();
            pairs.find(|pair| pair.key.choose_scheme(&[*scheme]).is_some())
        });
        // rustls says best what there is no agreement on.
        found.next().or(self.0.last()).cloned()
    }
}

/// A chain and its key, checked to belong together.
pub fn pair(
    certificate: &Word,
    key: &Word,
    prefix: &Path,
    problems: &mut Problems,
) -> Option<Arc<CertifiedKey>> {
    let chain = chain(certificate, prefix, problems);
    let key = signing_key(key, prefix, problems).map(|found| (found, key));
    let (chain, (signing, key)) = (chain?, key?);
    let pair = CertifiedKey::new(chain, signing);
    let wrong = match pair.keys_match() {
        // Not every key can tell its public half.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            return Some(Arc::new(pair));
        }
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            format!(
                "key \"{}\" does not belong to certificate \"{}\" (key values mismatch)",
                key.text, certificate.text
            )
        }
        Err(error) => format!("cannot load certificate \"{}\": {error}", certificate.text),
    };
    complain(problems, key, wrong);
    None
}

/// All certificates of a file, in order.
pub fn chain(
    word: &Word,
    prefix: &Path,
    problems: &mut Problems,
) -> Option<Vec<CertificateDer<'static>>> {
    let read = read(word, prefix).and_then(|pem| all(&pem, "certificate"));
    read.map_err(|why| {
        let message = format!("cannot load certificate \"{}\": {why}", word.text);
        complain(problems, word, message);
    })
    .ok()
}

/// All lists of a file.
pub fn revocations(
    word: &Word,
    prefix: &Path,
    problems: &mut Problems,
) -> Option<Vec<CertificateRevocationListDer<'static>>> {
    let read = read(word, prefix).and_then(|pem| all(&pem, "X509 CRL"));
    read.map_err(|why| {
        let message = format!("cannot load CRL \"{}\": {why}", word.text);
        complain(problems, word, message);
    })
    .ok()
}

fn signing_key(
    word: &Word,
    prefix: &Path,
    problems: &mut Problems,
) -> Option<Arc<dyn rustls::sign::SigningKey>> {
    let key = read(word, prefix).and_then(|pem| {
        let text = String::from_utf8_lossy(&pem);
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
            let fix = "it is encrypted, which is not supported: \
                       decrypt it with \"openssl pkey\" and keep the file safe";
            return Err(fix.to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|why| words(why, "private key"))?;
        any_supported_type(&key).map_err(|_| {
            "no key that rustls can sign with: RSA from 2048 bits, P-256, P-384 or Ed25519".into()
        })
    });
    key.map_err(|why| {
        let message = format!("cannot load certificate key \"{}\": {why}", word.text);
        complain(problems, word, message);
    })
    .ok()
}

fn read(word: &Word, prefix: &Path) -> Result<Vec<u8>, String> {
    for scheme in ["data:", "engine:"] {
        if word.text.starts_with(scheme) {
            return Err(format!("\"{scheme}\" is not supported, only files are"));
        }
    }
    if word.text.contains('$') {
        return Err("variables are not supported in its name".into());
    }
    std::fs::read(prefix.join(&word.text)).map_err(|error| error.to_string())
}

fn all<T: PemObject>(pem: &[u8], kind: &str) -> Result<Vec<T>, String> {
    let found: Result<Vec<T>, Error> = T::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(words(Error::NoItemsFound, kind)),
        Ok(found) => Ok(found),
        Err(error) => Err(words(error, kind)),
    }
}

fn words(error: Error, kind: &str) -> String {
    match error {
        Error::NoItemsFound => format!("there is no PEM block with a {kind} in it"),
        error => error.to_string(),
    }
}

/// Says a thing once: many servers may inherit what is wrong with one line.
pub fn complain(problems: &mut Problems, word: &Word, message: String) {
    let mut known = problems.iter();
    if !known.any(|known| known.place == word.place && known.message == message) {
        problems.push(&word.place, message);
    }
}
