//! A server's side of TLS, made ready from its settings.

use std::path::Path;
use std::sync::Arc;

use ::ring::digest;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WantsServerCert};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ConfigBuilder, Error, ServerConfig};
use tower_upstream::connect::TlsVersion;
use tower_upstream::nginx::Problems;
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::certificate::{self, Choice, complain};
use super::clients::{Asking, Clients};
use super::sessions::{Drawer, Tickets};
use super::settings::{Settings, VerifyClient};
use super::suites;

/// What NGINX agrees on by ALPN, the favourite first, and `h2` before it.
const HTTP_1: [&[u8]; 3] = [b"http/1.1", b"http/1.0", b"http/0.9"];

/// What a record has besides what it carries, as rustls counts.
const RECORD_HEAD: usize = 5;

/// What a server brings to a handshake.
#[derive(Debug)]
pub struct Site {
    /// Without HTTP/2.
    http1: Arc<ServerConfig>,
    /// The same with it.
    http2: Arc<ServerConfig>,
    /// Who is believed, if clients are asked who they are.
    pub clients: Option<Arc<Clients>>,
}

impl Site {
    /// Reads what the settings name. What is wrong is told, and then there is no site.
    pub fn new(settings: &Settings, prefix: &Path, problems: &mut Problems) -> Option<Self> {
        let pairs = settings.pairs.iter();
        let pairs: Vec<_> = pairs
            .map(|(chain, key)| certificate::pair(chain, key, prefix, problems))
            .collect();
        let clients = match settings.verify {
            VerifyClient::Off => Some(None),
            _ => clients(settings, prefix, problems).map(Some),
        };
        let choice = Choice(pairs.into_iter().collect::<Option<_>>()?);
        let clients = clients?;
        match Self::ready(settings, choice, clients) {
            Ok(site) => Some(site),
            Err(error) => {
                // What can be wrong with a single directive has been told before.
                if let Some((chain, _)) = settings.pairs.first() {
                    complain(problems, chain, format!("TLS cannot be served: {error}"));
                }
                None
            }
        }
    }

    fn ready(
        settings: &Settings,
        choice: Choice,
        clients: Option<Arc<Clients>>,
    ) -> Result<Self, Error> {
        let label = label(&choice, clients.as_deref());
        let choice = match settings.reject_handshake {
            true => Choice(Vec::new()),
            false => choice,
        };
        let builder = match &clients {
            Some(clients) => builder(settings)?
                .with_client_cert_verifier(Arc::new(Asking::new(Arc::clone(clients)))),
            None => builder(settings)?.with_no_client_auth(),
        };
        let builder: ConfigBuilder<ServerConfig, WantsServerCert> = builder;
        let mut config = builder.with_cert_resolver(Arc::new(choice));
        config.ignore_client_order = settings.prefer_server_ciphers;
        config.max_fragment_size = Some(settings.buffer_size.min(16 * 1024) + RECORD_HEAD);
        config.session_storage = match &settings.store {
            Some(store) => Arc::new(Drawer {
                store: Arc::clone(store),
                label,
                timeout: settings.session_timeout,
            }),
            None => Arc::new(NoServerSessionStorage {}),
        };
        if settings.session_tickets {
            config.ticketer = Arc::new(Tickets::new(settings.session_timeout)?);
        } else if settings.store.is_none() {
            // Nothing to come back with.
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols = HTTP_1.map(<[u8]>::to_vec).to_vec();
        let http1 = Arc::new(config.clone());
        config.alpn_protocols.insert(0, b"h2".to_vec());
        Ok(Self {
            http1,
            http2: Arc::new(config),
            clients,
        })
    }

    /// What rustls needs to know.
    pub fn config(&self, http2: bool) -> Arc<ServerConfig> {
        match http2 {
            true => Arc::clone(&self.http2),
            false => Arc::clone(&self.http1),
        }
    }
}

fn builder(
    settings: &Settings,
) -> Result<ConfigBuilder<ServerConfig, tokio_rustls::rustls::WantsVerifier>, Error> {
    let mut provider: CryptoProvider = ring::default_provider();
    provider.kx_groups.clone_from(&settings.curves);
    provider.cipher_suites = suites::served(&settings.ciphers);
    let spoken = |version| settings.protocols.is_empty() || settings.protocols.contains(&version);
    let mut versions = Vec::new();
    if spoken(TlsVersion::Tls13) {
        versions.push(&TLS13);
    }
    if spoken(TlsVersion::Tls12) {
        versions.push(&TLS12);
    }
    ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&versions)
}

fn clients(settings: &Settings, prefix: &Path, problems: &mut Problems) -> Option<Arc<Clients>> {
    let mut read = |word: &Option<_>| match word {
        Some(word) => certificate::chain(word, prefix, problems),
        None => Some(Vec::new()),
    };
    let told = read(&settings.client_certificate);
    let untold = read(&settings.trusted_certificate);
    let revoked = match &settings.crl {
        Some(word) => {
            let lists = certificate::revocations(word, prefix, problems)?;
            let lists: Result<Vec<_>, _> = lists
                .iter()
                .map(|list| OwnedCertRevocationList::from_der(list).map(CertRevocationList::from))
                .collect();
            let failed = |error| {
                complain(
                    problems,
                    word,
                    format!("cannot load CRL \"{}\": {error}", word.text),
                );
            };
            lists.map_err(failed).ok()?
        }
        None => Vec::new(),
    };
    let clients = Clients::new(told?, untold?, revoked, settings.verify_depth);
    let failed = |error| {
        let words = [&settings.client_certificate, &settings.trusted_certificate];
        if let Some(word) = words.into_iter().flatten().next() {
            let message = format!("cannot load certificate \"{}\": {error}", word.text);
            complain(problems, word, message);
        }
    };
    clients.map_err(failed).ok().map(Arc::new)
}

/// What tells a server's sessions from those of others: what it shows, and what it wants to see. Who
/// was not asked before must be asked now.
fn label(choice: &Choice, clients: Option<&Clients>) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    for certificate in choice.0.iter().filter_map(|pair| pair.cert.first()) {
        context.update(certificate);
    }
    if let Some(clients) = clients {
        context.update(b"asking");
        clients
            .trusted()
            .for_each(|certificate| context.update(certificate));
    }
    context.finish().as_ref().to_vec()
}
