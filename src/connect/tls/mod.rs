//! TLS to servers: what may be asked for, as plain values, and with the feature `tls` the client
//! that comes of it.

mod cipher;
#[cfg(feature = "tls")]
mod client;
mod config;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod sessions;
#[cfg(feature = "tls")]
mod verifier;

pub use cipher::CipherSuite;
#[cfg(feature = "tls")]
pub use client::Tls;
pub use config::{Identity, TlsConfig, TlsVersion, Trust, Verify};
#[cfg(all(feature = "tls", feature = "nginx"))]
pub(crate) use files::Part;
