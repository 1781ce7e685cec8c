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
    /// The service behind a layer paused for too long within its response.
    Response,
    /// The client paused for too long within its request's body.
    Client,
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "timed out while connecting to upstream",
            Self::Send => "timed out while sending request to upstream",
            Self::Header => "timed out while reading response header from upstream",
            Self::Body => "timed out while reading upstream",
            Self::Request => "request timed out",
            Self::Response => "response timed out",
            Self::Client => "client timed out",
        })
    }
}

impl std::error::Error for Elapsed {}
