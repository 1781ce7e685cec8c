//! Everything the gateway knows after reading its file, as plain values.
//!
//! The reader resolves names, indices and NGINX's inheritance: whatever stands in a [`Location`] is
//! what holds there, and nobody has to look outwards again.

mod limit;
mod location;
mod log;
mod pass;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use tower_upstream::GroupConfig;

pub use limit::{ConnectionCounts, LimitConnections, LimitRequests, RequestAccounts};
pub use location::{
    Action, AddHeader, Answer, ErrorPage, Location, Matcher, PageStatus, RealIpFrom, Return,
};
pub use log::{AccessLog, ErrorLog, Escape, Level, LogFormat, LogPath};
pub use pass::{PassUri, ProxyPass, Redirect, RedirectFrom};

use crate::tls;

/// The whole file.
#[derive(Debug)]
pub struct Config {
    /// `worker_processes`, with `auto` already counted. At least 1.
    pub workers: usize,
    /// `worker_connections` of one worker.
    pub worker_connections: usize,
    /// `worker_shutdown_timeout`; by default workers that are to go wait for their clients.
    pub shutdown_timeout: Option<Duration>,
    /// `pid`, as written.
    pub pid: Option<PathBuf>,
    /// `error_log` of the main level, the last one if there are several.
    pub error_log: Option<ErrorLog>,
    /// Upstream blocks, then one group for every other `proxy_pass` destination.
    pub groups: Vec<GroupConfig>,
    /// `limit_req_zone`s.
    pub request_zones: Vec<RequestAccounts>,
    /// `limit_conn_zone`s.
    pub connection_zones: Vec<ConnectionCounts>,
    /// `log_format`s, `combined` among them.
    pub log_formats: Vec<LogFormat>,
    /// One per distinct `listen` address, in order of appearance.
    pub listens: Vec<Listen>,
    /// `server` blocks, in order of appearance.
    pub servers: Vec<Server>,
}

/// A listening address and the servers behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where to listen.
    pub address: ListenAddress,
    /// Indices into [`Config::servers`].
    pub servers: Vec<usize>,
    /// Index into [`Config::servers`]: `default_server`, or the first one.
    pub default_server: usize,
    /// `backlog=`, default 511.
    pub backlog: u32,
    /// `ssl`: clients speak TLS.
    pub ssl: bool,
    /// `http2`: HTTP/2 is offered here, by whichever server.
    pub http2: bool,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// Port on an address; a bare port is 0.0.0.0.
    Tcp(SocketAddr),
    /// `unix:/path`
    Unix(PathBuf),
}

/// A `server` block.
#[derive(Debug)]
pub struct Server {
    /// `server_name`s in order; without the directive one empty exact name, as NGINX has it.
    pub names: Vec<ServerName>,
    /// `client_header_timeout`, default 60 s.
    pub client_header_timeout: Duration,
    /// `client_header_buffer_size`, default 1 KiB.
    pub client_header_buffer_size: usize,
    /// `large_client_header_buffers` NUMBER SIZE, default 4 of 8 KiB.
    pub large_client_header_buffers: (usize, usize),
    /// `http2`: HTTP/2 is offered wherever this server listens.
    pub http2: bool,
    /// What its certificates and the other `ssl_*` came to; nothing without any.
    pub tls: Option<Arc<tls::Site>>,
    /// `ssl_verify_client`, which holds even where another server's certificate was shown.
    pub verify_client: tls::VerifyClient,
    /// What holds where no location matches; its `action` is [`Action::None`].
    pub level: Location,
    /// `return` of the server level: answers before a location is looked for.
    pub returns: Option<Return>,
    /// The locations of the first level, in order.
    pub locations: Vec<Location>,
}

/// One name of a server.
#[derive(Clone, Debug)]
pub enum ServerName {
    /// The whole name, lower case.
    Exact(String),
    /// `*.example.com`: the part after the star, lower case, with its leading dot.
    Leading(String),
    /// `.example.com`: the part after the dot; it and all below.
    Dot(String),
    /// `www.example.*`: the part before the star, lower case, with its trailing dot.
    Trailing(String),
    /// `~^www\d+`: the expression, which ignores case, and its source.
    Regex(Regex, String),
}
