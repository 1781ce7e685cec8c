use std::fmt;
use std::io;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::sessions::Sessions;
use crate::connect::target::Protocol;
use crate::connect::tcp::Socket;
use crate::connect::{Address, host_and_port};
use crate::error::{BoxError, ConfigError};

/// How servers are spoken to over TLS (`proxy_pass https://...`).
///
/// Roots, client certificates, versions, cipher suites and session resumption are the
/// [`ClientConfig`]'s, which is yours to make (`proxy_ssl_trusted_certificate`,
/// `proxy_ssl_certificate`, `proxy_ssl_protocols`, `proxy_ssl_session_reuse`). Certificates are
/// verified, where NGINX does so only with `proxy_ssl_verify on`, and so does what
/// [`from_config`](Self::from_config) is told. The application protocol is set
/// here: `h2` with [`http2`](crate::Proxy::http2), else `http/1.1`.
///
/// The handshake counts as connecting: it has to fit into
/// [`connect_timeout`](crate::Proxy::connect_timeout), and its failure is
/// [`error`](crate::NextUpstream::ERROR), with nothing sent.
///
/// Clones are the same client: [`Upstream`](crate::Upstream)s of one group that have been given clones
/// share their idle connections, and nobody else does.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    http1: Arc<ClientConfig>,
    #[cfg(feature = "http2")]
    http2: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
    /// In the place of the configuration's own.
    sessions: Option<Arc<Sessions>>,
}

impl Tls {
    /// TLS as `config` says.
    pub fn new(config: ClientConfig) -> Self {
        Self::made(config, None, None)
    }

    pub(super) fn made(
        config: ClientConfig,
        name: Option<ServerName<'static>>,
        sessions: Option<Sessions>,
    ) -> Self {
        let with = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            Arc::new(config)
        };
        Self(Arc::new(Inner {
            http1: with(b"http/1.1"),
            #[cfg(feature = "http2")]
            http2: with(b"h2"),
            name,
            sessions: sessions.map(Arc::new),
        }))
    }

    /// The name that certificates have to be for, and that is sent as SNI; default the host of each
    /// server's line as it was written (`proxy_ssl_name`).
    ///
    /// # Errors
    ///
    /// It is no host name and no address.
    pub fn name(self, name: &str) -> Result<Self, ConfigError> {
        let parsed = ServerName::try_from(name.to_owned());
        let problem = |_| ConfigError::new(vec![format!("\"{name}\" is no server name for TLS")]);
        Ok(Self(Arc::new(Inner {
            name: Some(parsed.map_err(problem)?),
            ..(*self.0).clone()
        })))
    }

    /// Servers go by one name, and not by their lines.
    pub(in crate::connect) fn is_named(&self) -> bool {
        self.0.name.is_some()
    }

    /// Whether both are clones of one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// TLS over `socket`, to the server at `address` whose line says `origin`.
    pub(in crate::connect) async fn handshake(
        &self,
        socket: Socket,
        address: &Address,
        origin: &str,
        protocol: Protocol,
    ) -> Result<TlsStream<Socket>, BoxError> {
        let this = &*self.0;
        let name = match &this.name {
            Some(name) => name.clone(),
            None => {
                let (host, _) = host_and_port(origin)?;
                let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
                ServerName::try_from(bare.unwrap_or(host).to_owned())?
            }
        };
        let (config, alpn) = match protocol {
            Protocol::Http1 => (&this.http1, None),
            #[cfg(feature = "http2")]
            Protocol::Http2 => (&this.http2, Some(&b"h2"[..])),
        };
        let config = match &this.sessions {
            None => Arc::clone(config),
            Some(sessions) => {
                let mut config = (**config).clone();
                config.resumption = sessions.of(address);
                Arc::new(config)
            }
        };
        let shaken = TlsConnector::from(config).connect(name, socket).await;
        let stream = shaken.map_err(HandshakeError)?;
        let agreed = stream.get_ref().1.alpn_protocol();
        // HTTP/1 is what a peer speaks that agrees on nothing.
        if alpn.is_some() && agreed != alpn {
            return Err(HandshakeError(io::Error::other("the peer does not speak HTTP/2")).into());
        }
        Ok(stream)
    }
}

/// The connection is there, and TLS on it is not.
#[derive(Debug)]
struct HandshakeError(io::Error);

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TLS handshake")
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}
