mod choice;
mod limits;
mod rules;

use std::time::Duration;

use super::client::Upstream;
#[cfg(feature = "http2")]
use super::config::Http2;
use super::config::{ConfigError, GroupConfig, HashKey, Proxy, ResolverConfig, Semantics, Server};
use super::group::Group;
use super::hash_by::HashBy;
#[cfg(feature = "tls")]
use crate::connect::Tls;
use crate::retry::Budget;

/// Builds an [`Upstream`]; the setters are NGINX's directive words.
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct Builder {
    group: GroupConfig,
    proxy: Proxy,
    hash_by: Option<HashBy>,
    /// In place of the configuration's.
    budget: Option<Budget>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            group: GroupConfig::new("upstream"),
            proxy: Proxy::default(),
            hash_by: None,
            budget: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Servers are spoken to in HTTP/2, many requests over one connection (`proxy_http_version 2`);
    /// default HTTP/1. Over TLS it is agreed on, else servers have to know.
    #[cfg(feature = "http2")]
    #[doc(alias = "proxy_http_version")]
    pub fn http2(mut self, http2: Http2) -> Self {
        self.proxy.http2 = Some(http2);
        self
    }

    /// Servers are spoken to over TLS (`proxy_pass https://...`); default plain.
    #[cfg(feature = "tls")]
    #[doc(alias = "proxy_ssl_name")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
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

    /// Checks everything, resolves the servers' names (blocking, once) and starts without a past.
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, at once.
    pub fn build(self) -> Result<Upstream, ConfigError> {
        let mut problems = self.proxy.problems();
        if let HashKey::Variables(key) = &self.group.hash_key {
            problems.push(format!(
                "hash key \"{key}\": variables are for configuration files"
            ));
        }
        let group = match self.budget {
            Some(budget) => Group::with_budget(self.group, Some(budget)),
            None => Group::new(self.group),
        };
        match group {
            Ok(group) if problems.is_empty() => {
                #[cfg(feature = "tls")]
                let upstream = match self.tls {
                    Some(tls) => Upstream::over_tls(group, self.proxy, tls),
                    None => Upstream::new(group, self.proxy),
                };
                #[cfg(not(feature = "tls"))]
                let upstream = Upstream::new(group, self.proxy);
                Ok(upstream.hashed_by(self.hash_by))
            }
            Ok(_) => Err(ConfigError::new(problems)),
            Err(error) => {
                problems.extend_from_slice(error.problems());
                Err(ConfigError::new(problems))
            }
        }
    }
}
