use std::time::Duration;

use super::client::Upstream;
use super::config::{
    ConfigError, GroupConfig, Proxy, RequestBuffering, ResolverConfig, Semantics, Server, Sticky,
};
use super::group::Group;
use crate::retry::NextUpstream;

/// Builds an [`Upstream`]; the setters are NGINX's directive words.
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct Builder {
    group: GroupConfig,
    proxy: Proxy,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            group: GroupConfig::new("upstream"),
            proxy: Proxy::default(),
        }
    }

    /// The group's name: the `Host` of requests that have none. Default `upstream`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.group.name = name.into();
        self
    }

    /// Adds a server (`server`).
    pub fn server(mut self, server: Server) -> Self {
        self.group.servers.push(server);
        self
    }

    /// Servers come and go at run time, through [`Members`](crate::Members) or a stream; it may be
    /// built without any.
    pub fn dynamic(mut self) -> Self {
        self.group.dynamic = true;
        self
    }

    /// Whom the names of servers with [`resolve`](Server::resolve) are asked of, default: whom the
    /// system asks (`resolver`, `resolver_timeout`).
    pub fn resolver(mut self, resolver: ResolverConfig) -> Self {
        self.group.resolver = resolver;
        self
    }

    /// Idle connections kept for all servers together, default 0 (`keepalive`).
    pub fn keepalive(mut self, connections: usize) -> Self {
        self.group.keepalive.connections = connections;
        self
    }

    /// Requests one connection serves, default 1000 (`keepalive_requests`).
    pub fn keepalive_requests(mut self, requests: u64) -> Self {
        self.group.keepalive.requests = requests;
        self
    }

    /// Age past which a connection is not kept again, default 1 h (`keepalive_time`).
    pub fn keepalive_time(mut self, time: Duration) -> Self {
        self.group.keepalive.time = time;
        self
    }

    /// How long a connection may stay idle, default 60 s (`keepalive_timeout`).
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.group.keepalive.timeout = timeout;
        self
    }

    /// NGINX's rules or the repaired ones, default [`Semantics::Nginx`].
    pub fn semantics(mut self, semantics: Semantics) -> Self {
        self.group.semantics = semantics;
        self
    }

    /// Who comes back goes where it was before, default: nobody (`sticky`).
    pub fn sticky(mut self, sticky: Sticky) -> Self {
        self.group.sticky = Some(sticky);
        self
    }

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

    /// Checks everything, resolves the servers' names (blocking, once) and starts without a past.
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, at once.
    pub fn build(self) -> Result<Upstream, ConfigError> {
        Ok(Upstream::new(Group::new(self.group)?, self.proxy))
    }
}
