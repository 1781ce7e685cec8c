use std::time::Duration;

use http::HeaderName;

use super::{Choice, Grpc, Hedge, Http2, NextUpstream, RequestBuffering};

/// How requests are sent to a group: the `proxy_*` directives of one location.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Proxy {
    /// From the first packet to a connection (TO-1). Zero expires at once.
    pub connect_timeout: Duration,
    /// Longest gap between two writes of a request (TO-2). Zero expires at once.
    pub send_timeout: Duration,
    /// From the request's last byte to the end of the response header, then between two reads of
    /// the body (TO-3, TO-4). Zero expires at once.
    pub read_timeout: Duration,
    /// What sends a request to the next peer.
    pub next_upstream: NextUpstream,
    /// Attempts in total; 0 is no cap (TR-2).
    pub next_upstream_tries: u32,
    /// Time after which no further attempt is begun; zero is no limit (TR-3).
    pub next_upstream_timeout: Duration,
    /// How request bodies are taken in.
    pub request_buffering: RequestBuffering,
    /// Largest response header in bytes; more is `invalid_header` (RS-3).
    pub buffer_size: usize,
    /// Limit on everything, attempts, waiting and body included. Not in NGINX.
    pub request_timeout: Option<Duration>,
    /// Header in which a request with a deadline says how many milliseconds are left, written anew for
    /// every attempt. gRPC requests have `grpc-timeout` for it. Not in NGINX.
    #[cfg_attr(feature = "serde", serde(with = "super::header_name"))]
    pub deadline_header: Option<HeaderName>,
    /// The `grpc-timeout` a gRPC request comes with limits it here too, as it does in a gRPC client.
    /// NGINX only passes it on, and so does what is read from its files.
    pub grpc_timeout: bool,
    /// Peers are spoken to in HTTP/2 (`proxy_http_version 2`; feature `http2`); else in the version of
    /// the request, 1.0 or 1.1.
    pub http2: Option<Http2>,
    /// What the status of a gRPC call means, of requests whose `Content-Type` says that they are one.
    /// Not in NGINX, so by default only under [`Semantics::Strict`](crate::Semantics::Strict).
    pub grpc: Choice<Grpc>,
    /// A second attempt beside one that takes long. Not in NGINX.
    pub hedge: Option<Hedge>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(60),
            next_upstream: NextUpstream::default(),
            next_upstream_tries: 0,
            next_upstream_timeout: Duration::ZERO,
            request_buffering: RequestBuffering::default(),
            buffer_size: 4096,
            request_timeout: None,
            deadline_header: None,
            grpc_timeout: true,
            http2: None,
            grpc: Choice::Auto,
            hedge: None,
        }
    }
}

impl Proxy {
    /// Everything wrong with it.
    pub fn problems(&self) -> Vec<String> {
        let hedge = self.hedge.iter().flat_map(Hedge::problems);
        hedge
            .chain(self.http2.iter().flat_map(Http2::problems))
            .collect()
    }
}
