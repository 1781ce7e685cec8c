//! From an address to a connection.
//!
//! [`Address`] is where a peer is. Connecting, the handshakes and the task that drives the connection are
//! one step; [`TlsConfig`] says how TLS comes into it. Every HTTP/1 connection is metered, so that what
//! was written, what was read and when a request was completely sent are known without asking hyper.
//!
//! ```
//! use tower_upstream::connect::Address;
//!
//! let unix: Address = "unix:/run/orders.sock".parse()?;
//! assert_eq!(unix.to_string(), "unix:/run/orders.sock");
//! let tcp: Address = "127.0.0.1:8080".parse()?;
//! assert_eq!(tcp.to_string(), "127.0.0.1:8080");
//! # Ok::<(), std::io::Error>(())
//! ```

mod address;
mod conn;
mod http1;
#[cfg(feature = "http2")]
pub(crate) mod http2;
mod meter;
mod spelling;
mod target;
mod tcp;
mod tls;

pub use address::Address;
pub(crate) use address::host_and_port;
pub(crate) use conn::Conn;
pub(crate) use http1::{Handshake, Keeper, connect};
pub(crate) use meter::Meter;
pub use spelling::Spelling;
pub(crate) use target::Target;
pub(crate) use tcp::reach;
#[cfg(all(feature = "tls", feature = "nginx"))]
pub(crate) use tls::Part;
#[cfg(feature = "tls")]
pub use tls::Tls;
pub use tls::{CipherSuite, Identity, TlsConfig, TlsVersion, Trust, Verify};
