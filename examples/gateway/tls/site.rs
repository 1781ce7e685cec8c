//! A server's side of TLS.

use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;

/// What a server brings to a handshake.
#[derive(Debug)]
pub struct Site {
    /// Without HTTP/2.
    http1: Arc<ServerConfig>,
    /// The same with it.
    http2: Arc<ServerConfig>,
}

impl Site {
    /// A server that brings this, and whatever protocols are served.
    pub fn new(mut config: ServerConfig) -> Self {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1 = Arc::new(config.clone());
        config.alpn_protocols.insert(0, b"h2".to_vec());
        Self {
            http1,
            http2: Arc::new(config),
        }
    }

    /// What rustls needs to know.
    pub fn config(&self, http2: bool) -> Arc<ServerConfig> {
        match http2 {
            true => Arc::clone(&self.http2),
            false => Arc::clone(&self.http1),
        }
    }
}
