//! Keepalive: which connections may serve again, and which of them is next.
//!
//! One list per group for all its peers, as in NGINX: the newest idle connection of a peer is used
//! first, and when the list is full the one idle for longest is closed, whosever it is (KA-2, KA-3).
//! The list never influences the choice of a peer (KA-1), and its size limits what is kept, not what
//! is opened.
//!
//! | a connection is not kept when | rule |
//! | --- | --- |
//! | the attempt failed, or was given up | KA-4 |
//! | the response was HTTP/1.0, carried `Connection: close`, or ended by closing | KA-6 |
//! | the request was not completely sent | KA-4, RS-14 |
//! | it served [`requests`](crate::Keepalive::requests), or is older than [`time`](crate::Keepalive::time) | KA-5 |
//! | its server is no member of the group any more | - |
//! | it was idle for [`timeout`](crate::Keepalive::timeout), or the peer closed it or sent a byte | KA-5, KA-7 |
//!
//! ```
//! use tower_upstream::{Server, Upstream};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # let _guard = runtime.enter();
//! let orders = Upstream::builder()
//!     .server(Server::new("127.0.0.1:8080"))
//!     .keepalive(32)
//!     .build()?;
//! assert_eq!(orders.group().idle_connections(), 0);
//! # Ok::<(), tower_upstream::ConfigError>(())
//! ```

mod http2;
mod idle;
mod keep;
mod keepalive;
#[cfg(feature = "http2")]
mod streams;

pub use http2::Http2;
pub(crate) use keep::Pool;
pub use keepalive::Keepalive;
