use std::sync::Arc;

use super::Address;
use super::tcp::Socket;
#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::error::BoxError;

/// Where to connect to, and through what.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Arc<Address>,
    /// Present when it is spoken to over TLS, with the server's line as it was written.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<(Arc<Tls>, Arc<str>)>,
}

/// What is to be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    #[cfg(feature = "http2")]
    Http2,
}

impl Target {
    /// Without TLS.
    pub(crate) fn plain(address: &Address) -> Self {
        Self {
            address: Arc::new(address.clone()),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// What the server has shown itself to be beside its address: nothing without TLS, and nothing where
    /// TLS has a name for all servers.
    pub(crate) fn identity(&self) -> Option<&Arc<str>> {
        #[cfg(feature = "tls")]
        return self
            .tls
            .as_ref()
            .filter(|(tls, _)| !tls.is_named())
            .map(|(_, origin)| origin);
        #[cfg(not(feature = "tls"))]
        None
    }

    #[cfg(feature = "http2")]
    pub(crate) fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    #[cfg_attr(not(feature = "tls"), allow(unused_variables))]
    pub(super) async fn reach(&self, protocol: Protocol) -> Result<Socket, BoxError> {
        let socket = Socket::connect(&self.address).await?;
        #[cfg(feature = "tls")]
        if let Some((tls, origin)) = &self.tls {
            let stream = tls
                .handshake(socket, &self.address, origin, protocol)
                .await?;
            return Ok(Socket::Tls(Box::new(stream)));
        }
        Ok(socket)
    }
}
