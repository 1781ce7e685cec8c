//! Which clock stops when.
//!
//! | phase | limit | NGINX word | what its end means |
//! | --- | --- | --- | --- |
//! | connecting | [`connect_timeout`](crate::Proxy::connect_timeout) | `proxy_connect_timeout` | `timeout`, nothing was sent |
//! | sending, while the peer takes no bytes | [`send_timeout`](crate::Proxy::send_timeout) | `proxy_send_timeout` | `timeout` |
//! | from the request's last byte to the end of the response header | [`read_timeout`](crate::Proxy::read_timeout) | `proxy_read_timeout` | `timeout` |
//! | response body, between two reads | [`read_timeout`](crate::Proxy::read_timeout) | `proxy_read_timeout` | the response breaks off |
//! | the whole request | [`request_timeout`](crate::Proxy::request_timeout) | - | [`Deadline`](crate::ErrorKind::Deadline), or the response breaks off |
//!
//! A limit of zero expires at once, as in NGINX (TO-6); it is not "no limit".
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::Proxy;
//!
//! let proxy = Proxy {
//!     connect_timeout: Duration::from_secs(2),
//!     read_timeout: Duration::from_secs(5),
//!     ..Proxy::default()
//! };
//! assert_eq!(proxy.send_timeout, Duration::from_secs(60));
//! ```

mod timer;

pub(crate) use timer::Timer;

use std::fmt;

/// Which limit ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Elapsed {
    /// No connection in time.
    Connect,
    /// The peer took no bytes for too long.
    Send,
    /// No response header in time.
    Header,
    /// Nothing of the response body came for too long.
    Body,
    /// The whole request's time is over.
    Request,
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "timed out while connecting to upstream",
            Self::Send => "timed out while sending request to upstream",
            Self::Header => "timed out while reading response header from upstream",
            Self::Body => "timed out while reading upstream",
            Self::Request => "request timed out",
        })
    }
}

impl std::error::Error for Elapsed {}
