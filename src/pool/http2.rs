use std::time::Duration;

/// How peers are spoken to in HTTP/2: with prior knowledge, over TLS by agreement. NGINX has it for
/// `grpc_pass`, and since 1.29.4 for `proxy_http_version 2`, with one request at a time on a connection.
///
/// Connections are shared, not cached: `keepalive` does not count them. They end after
/// [`timeout`](crate::Keepalive::timeout) without a request, and take no more after
/// [`requests`](crate::Keepalive::requests) or [`time`](crate::Keepalive::time).
///
/// With one stream it is as in NGINX (GR-6): a connection is its request's alone, and afterwards
/// [`keepalive`](crate::GroupConfig::keepalive) keeps it, or closes it, like one in HTTP/1. Without
/// `keepalive` every request has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Http2 {
    /// Requests at once on one connection, default 100, and no more than the peer allows; when they
    /// are used up, one more connection is made. 1 is NGINX's way.
    pub streams: usize,
    /// How often a connection in use is asked whether its peer is still there, default never.
    pub ping_interval: Option<Duration>,
    /// How long the peer has to answer that, default 20 s; then the connection is given up.
    pub ping_timeout: Duration,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            streams: 100,
            ping_interval: None,
            ping_timeout: Duration::from_secs(20),
        }
    }
}

impl Http2 {
    /// A connection is one request's alone.
    #[cfg(feature = "http2")]
    pub(crate) fn is_alone(&self) -> bool {
        self.streams == 1
    }

    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        match self.streams {
            0 => vec!["http2: at least 1 stream per connection".into()],
            _ => Vec::new(),
        }
    }
}
