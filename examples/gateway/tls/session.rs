//! What a handshake came to.

use std::sync::Arc;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{
    CipherSuite, HandshakeKind, NamedGroup, ProtocolVersion, ServerConnection,
};

use super::clients::Clients;
use super::site::Site;
use super::verdict::Verdict;

/// What stands between a client and those who listen in.
#[derive(Debug)]
pub enum Cover {
    /// Nothing, and nothing is expected.
    None,
    /// Nothing, where TLS was expected.
    Missing,
    /// TLS
    Tls(Box<Session>),
}

/// What client and server agreed on.
#[derive(Debug)]
pub struct Session {
    /// Whose certificate was shown.
    pub server: usize,
    /// The name by which the client found that server, lower case; nothing if it got the default.
    pub found_by: Option<String>,
    /// The name the client asked for.
    pub asked: Option<String>,
    /// The version.
    pub protocol: Option<ProtocolVersion>,
    /// The cipher suite.
    pub suite: Option<CipherSuite>,
    /// The curve of the key exchange.
    pub curve: Option<NamedGroup>,
    /// The session goes on from an earlier one.
    pub reused: bool,
    /// The protocol chosen by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// Who the client says it is, its own certificate first.
    pub client: Vec<CertificateDer<'static>>,
    /// What that server thinks of it.
    pub verdict: Verdict,
}

impl Session {
    /// What `connection` agreed on with `server`.
    pub fn of(
        connection: &ServerConnection,
        server: usize,
        found_by: Option<String>,
        site: &Site,
    ) -> Self {
        let client = connection.peer_certificates().unwrap_or_default();
        let judge = |clients: &Arc<Clients>| clients.judge(client);
        let suite = connection.negotiated_cipher_suite();
        Self {
            server,
            found_by,
            asked: connection.server_name().map(str::to_owned),
            protocol: connection.protocol_version(),
            suite: suite.map(|suite| suite.suite()),
            curve: connection.negotiated_key_exchange_group().map(|g| g.name()),
            reused: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            verdict: site.clients.as_ref().map_or(Verdict::None, judge),
            client: client.to_vec(),
        }
    }

    /// Whether HTTP/2 was agreed on.
    pub fn is_http2(&self) -> bool {
        self.alpn.as_deref() == Some(b"h2")
    }
}

impl Cover {
    /// Whether the client speaks TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// What was agreed on.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Tls(session) => Some(session),
            Self::None | Self::Missing => None,
        }
    }
}
