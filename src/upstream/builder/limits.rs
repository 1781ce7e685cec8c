//! Limits on time and size, and when to go on: what NGINX has as `proxy_*` directives.

use std::time::Duration;

use http::HeaderName;

use super::Builder;
use crate::retry::{Hedge, NextUpstream, RequestBuffering};
use crate::upstream::config::{Choice, Grpc};

impl Builder {
    /// Limit on getting a connection, default 60 s; zero expires at once (`proxy_connect_timeout`).
    #[doc(alias = "proxy_connect_timeout")]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.proxy.connect_timeout = limit;
        self
    }

    /// Limit between two writes of a request, default 60 s; zero expires at once
    /// (`proxy_send_timeout`).
    #[doc(alias = "proxy_send_timeout")]
    pub fn send_timeout(mut self, limit: Duration) -> Self {
        self.proxy.send_timeout = limit;
        self
    }

    /// Limit from the request's end to the response header's, then between two reads of the body,
    /// default 60 s; zero expires at once (`proxy_read_timeout`).
    #[doc(alias = "proxy_read_timeout")]
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.proxy.read_timeout = limit;
        self
    }

    /// What sends a request to the next server, default `error timeout` (`proxy_next_upstream`).
    #[doc(alias = "proxy_next_upstream")]
    pub fn next_upstream(mut self, conditions: NextUpstream) -> Self {
        self.proxy.next_upstream = conditions;
        self
    }

    /// Attempts in total, default 0: as many as there are servers (`proxy_next_upstream_tries`).
    #[doc(alias = "proxy_next_upstream_tries")]
    pub fn next_upstream_tries(mut self, tries: u32) -> Self {
        self.proxy.next_upstream_tries = tries;
        self
    }

    /// Time after which no further attempt is begun, default zero: no limit
    /// (`proxy_next_upstream_timeout`).
    #[doc(alias = "proxy_next_upstream_timeout")]
    pub fn next_upstream_timeout(mut self, limit: Duration) -> Self {
        self.proxy.next_upstream_timeout = limit;
        self
    }

    /// How request bodies are taken in, default: streamed, with 64 KiB remembered for a repetition
    /// (`proxy_request_buffering`).
    #[doc(alias = "proxy_request_buffering")]
    pub fn request_buffering(mut self, buffering: RequestBuffering) -> Self {
        self.proxy.request_buffering = buffering;
        self
    }

    /// Largest response header in bytes, default 4096 (`proxy_buffer_size`).
    #[doc(alias = "proxy_buffer_size")]
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.proxy.buffer_size = bytes;
        self
    }

    /// Limit on everything, attempts, waiting and body included; default none. Not in NGINX.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.proxy.request_timeout = Some(limit);
        self
    }

    /// Header in which requests with a deadline say how many milliseconds are left, default none; gRPC
    /// has `grpc-timeout` for it. Not in NGINX.
    pub fn deadline_header(mut self, name: HeaderName) -> Self {
        self.proxy.deadline_header = Some(name);
        self
    }

    /// Whether the `grpc-timeout` a gRPC request comes with limits it here too, default yes. Not in
    /// NGINX, which passes it on.
    pub fn grpc_timeout(mut self, limits: bool) -> Self {
        self.proxy.grpc_timeout = limits;
        self
    }

    /// What the status of a gRPC call means, default [`Choice::Auto`]: NGINX never looks at it, so
    /// only under [`Semantics::Strict`](crate::Semantics::Strict), where UNAVAILABLE counts and sends
    /// a call on.
    pub fn grpc(mut self, rule: Choice<Grpc>) -> Self {
        self.proxy.grpc = rule;
        self
    }

    /// A second attempt beside one that takes longer than most, to another server; the first answer
    /// wins. Only requests that may be sent twice, and out of the
    /// [retry budget](Self::retry_budget) if there is one. Default: none. Not in NGINX; in a file
    /// `proxy_hedge`.
    #[doc(alias = "proxy_hedge")]
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.proxy.hedge = Some(hedge);
        self
    }
}
