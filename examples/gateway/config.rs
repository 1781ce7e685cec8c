//! Everything the gateway knows after reading its file, as plain values.
//!
//! The reader resolves names, indices and NGINX's inheritance: whatever stands in a [`Location`] is
//! what holds there, and nobody has to look outwards again.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::Version;
use regex::Regex;
use tower_upstream::connect::Tls;
use tower_upstream::limit::rate::Limit;
use tower_upstream::nginx::{ConnectionZone, Lookups, RequestZone, Scheme, Template};
use tower_upstream::{GroupConfig, Proxy};

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

/// A `location` block with everything that holds in it.
#[derive(Debug)]
pub struct Location {
    /// Which requests it takes.
    pub matcher: Matcher,
    /// What it does with them.
    pub action: Action,
    /// `return` of this location: answers before its action.
    pub returns: Option<Return>,
    /// Locations inside this one.
    pub locations: Vec<Location>,
    /// `client_max_body_size`, default 1 MiB; 0 is no limit.
    pub client_max_body_size: u64,
    /// `client_body_timeout`, default 60 s.
    pub client_body_timeout: Duration,
    /// `keepalive_timeout`, default 75 s; zero closes after each response.
    pub keepalive_timeout: Duration,
    /// The second argument of `keepalive_timeout`: what a `Keep-Alive` header says.
    pub keepalive_header: Option<Duration>,
    /// `keepalive_requests`, default 1000.
    pub keepalive_requests: u64,
    /// `add_header`s in order.
    pub add_headers: Vec<AddHeader>,
    /// `add_trailer`s in order.
    pub add_trailers: Vec<AddHeader>,
    /// `default_type`, default `text/plain`; of what is not an error page of ours. Empty is none.
    pub default_type: String,
    /// `internal`: only for those whom an error page sends here.
    pub internal: bool,
    /// `error_page`s in order.
    pub error_pages: Vec<ErrorPage>,
    /// `access_log`s; empty is `off`. NGINX's default is `logs/access.log combined`.
    pub access_logs: Vec<AccessLog>,
    /// `error_log` that holds here, if not the main one.
    pub error_log: Option<ErrorLog>,
    /// `limit_req`s.
    pub limit_req: LimitRequests,
    /// `limit_conn`s.
    pub limit_conn: LimitConnections,
    /// `set_real_ip_from`s.
    pub real_ip_from: Vec<RealIpFrom>,
    /// `real_ip_header`, default `X-Real-IP`.
    pub real_ip_header: String,
}

/// `limit_req_zone`
#[derive(Clone, Debug)]
pub struct RequestAccounts {
    /// Name, size and rate.
    pub zone: RequestZone,
    /// Whose account a request is charged to.
    pub key: Template,
    /// The same as written.
    pub key_text: String,
}

/// `limit_req`s, and how they refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRequests {
    /// Indices into [`Config::request_zones`], and what is let through early.
    pub limits: Vec<(usize, Limit)>,
    /// `limit_req_status`, default 503.
    pub status: u16,
    /// `limit_req_dry_run`
    pub dry_run: bool,
    /// `limit_req_log_level`, default error.
    pub refused_level: Level,
    /// One step quieter: for those that wait.
    pub delayed_level: Level,
}

/// `limit_conn_zone`
#[derive(Clone, Debug)]
pub struct ConnectionCounts {
    /// Name and size.
    pub zone: ConnectionZone,
    /// What a request is counted under.
    pub key: Template,
    /// The same as written.
    pub key_text: String,
}

/// `limit_conn`s, and how they refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitConnections {
    /// Indices into [`Config::connection_zones`], and how many there may be.
    pub limits: Vec<(usize, u32)>,
    /// `limit_conn_status`, default 503.
    pub status: u16,
    /// `limit_conn_dry_run`
    pub dry_run: bool,
    /// `limit_conn_log_level`, default error.
    pub refused_level: Level,
}

/// Which requests a location takes.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// `location /prefix`
    Prefix(String),
    /// `location ^~ /prefix`: no regular expressions after this one.
    PrefixOnly(String),
    /// `location = /path`
    Exact(String),
    /// `location ~ expression` and `~*`, which ignores case.
    Regex(Regex),
    /// `location @name`, with the `@`.
    Named(String),
    /// The server level itself.
    Level,
}

/// What a location does with a request.
#[derive(Debug)]
pub enum Action {
    /// Nothing of its own: 404.
    None,
    /// `proxy_pass` or `grpc_pass`
    Proxy(Box<ProxyPass>),
}

/// `return`
#[derive(Clone, Debug)]
pub struct Return {
    /// The status; 444 closes the connection without an answer. `return URL` is 302.
    pub status: u16,
    /// The rest of the line.
    pub answer: Answer,
}

/// What a `return` sends.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The page of its status.
    Page,
    /// This text, as `text/plain`.
    Text(Template),
    /// 301, 302, 303, 307, 308: the `Location`.
    Redirect(Template),
}

impl Answer {
    /// What is evaluated, if anything is.
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Page => None,
            Self::Text(template) | Self::Redirect(template) => Some(template),
        }
    }
}

/// `add_header NAME VALUE [always]`, and `add_trailer`
#[derive(Clone, Debug)]
pub struct AddHeader {
    /// As written.
    pub name: String,
    /// An empty value adds nothing.
    pub value: Template,
    /// With any status, not only 200, 201, 204, 206, 301, 302, 303, 304, 307 and 308.
    pub always: bool,
}

/// `error_page CODE ... [=[CODE]] TARGET`
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// The statuses it answers for, 300 to 599.
    pub codes: Vec<u16>,
    /// What the client gets as status.
    pub status: PageStatus,
    /// A URI (`/50x.html`), a named location (`@fallback`) or an address to redirect to.
    pub target: Template,
}

/// The status an error page is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStatus {
    /// The status that led to it.
    Keep,
    /// `=`: whatever the page's location answers.
    Target,
    /// `=CODE`
    Fixed(u16),
}

/// `access_log PATH [FORMAT]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// As written.
    pub path: PathBuf,
    /// Index into [`Config::log_formats`].
    pub format: usize,
}

/// `log_format NAME [escape=...] TEXT`
#[derive(Clone, Debug)]
pub struct LogFormat {
    /// The name.
    pub name: String,
    /// The line, all strings of the directive joined.
    pub line: Template,
    /// How values are made harmless.
    pub escape: Escape,
}

/// How values are written into a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// `\xXX` for quotes, backslashes and what is not printable ASCII; `-` for nothing.
    Default,
    /// As inside a JSON string; nothing for nothing.
    Json,
    /// As they are.
    None,
}

/// `error_log PATH [LEVEL]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLog {
    /// Where to.
    pub path: LogPath,
    /// The least severe level written, default `error`.
    pub level: Level,
}

/// Where an error log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPath {
    /// `stderr`
    Stderr,
    /// A file, as written.
    File(PathBuf),
}

/// Severity, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

/// `set_real_ip_from`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RealIpFrom {
    /// Address and prefix length.
    Net(IpAddr, u8),
    /// `unix:`
    Unix,
}

/// `proxy_pass` or `grpc_pass` and everything about it.
#[derive(Debug)]
pub struct ProxyPass {
    /// Index into [`Config::groups`].
    pub group: usize,
    /// What the group asks of a request to know where it belongs.
    pub lookups: Lookups,
    /// The destination as written, without its scheme and URI: the default `Host`, and of `proxy_pass`
    /// `$proxy_host`. `localhost` for `unix:` paths.
    pub host: String,
    /// `$proxy_port`: as written, else the scheme's. Empty for `grpc_pass`.
    pub port: String,
    /// What becomes of the request's URI.
    pub uri: PassUri,
    /// Timeouts, next upstream and the rest of what the library takes. `request_buffering` is
    /// `On { max }` or `Off`; `max` follows `client_max_body_size`.
    pub proxy: Proxy,
    /// `proxy_http_version`, default 1.0.
    pub version: Version,
    /// What is spoken there; with `grpc_pass`, the rest is said by `grpc_*` directives as far as there
    /// are such.
    pub scheme: Scheme,
    /// How, if it is spoken over TLS.
    pub tls: Option<Tls>,
    /// The name servers are asked for then, if it follows the request (`proxy_ssl_name`).
    pub tls_name: Option<Template>,
    /// `proxy_set_header`s in order, without NGINX's two defaults: `Host $proxy_host` and
    /// `Connection close` hold unless these name them.
    pub set_headers: Vec<(String, Template)>,
    /// `proxy_hide_header`s.
    pub hide_headers: Vec<String>,
    /// `proxy_pass_header`s.
    pub pass_headers: Vec<String>,
    /// `proxy_method`
    pub method: Option<Template>,
    /// `proxy_set_body`
    pub set_body: Option<Template>,
    /// `proxy_pass_request_headers`, default on.
    pub pass_request_headers: bool,
    /// `proxy_pass_request_body`, default on.
    pub pass_request_body: bool,
    /// `proxy_intercept_errors`, default off.
    pub intercept_errors: bool,
    /// `proxy_ignore_client_abort`, default off.
    pub ignore_client_abort: bool,
    /// `proxy_pass_trailers`, default off.
    pub pass_trailers: bool,
    /// `proxy_buffering`, default on. Answers are always passed on as they arrive, and read ahead
    /// of a slow client by about what NGINX's default buffers hold.
    #[expect(dead_code, reason = "both settings are served alike")]
    pub buffering: bool,
    /// `proxy_buffers` NUMBER SIZE, default 8 of 4 KiB.
    #[expect(dead_code, reason = "what is read ahead does not depend on it")]
    pub buffers: (usize, usize),
    /// `proxy_redirect`s in order; empty is `off`. `default` is already spelled out.
    pub redirects: Vec<Redirect>,
}

/// What becomes of a request's URI on its way to a peer.
#[derive(Clone, Debug)]
pub enum PassUri {
    /// `proxy_pass http://group;`: sent as it came.
    Same,
    /// `proxy_pass http://group/base/;`: the part matched by the location gives way to this.
    Replace(String),
    /// `proxy_pass http://group$request_uri;`: sent as evaluated.
    Evaluate(Template),
}

/// `proxy_redirect FROM TO`
#[derive(Clone, Debug)]
pub struct Redirect {
    /// What is looked for at the beginning of a `Location` or `Refresh`.
    pub from: RedirectFrom,
    /// What stands there afterwards.
    pub to: Template,
}

impl Redirect {
    /// What is evaluated.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let from = match &self.from {
            RedirectFrom::Prefix(from) => Some(from),
            RedirectFrom::Regex(_) => None,
        };
        from.into_iter().chain([&self.to])
    }
}

/// What a `proxy_redirect` looks for.
#[derive(Clone, Debug)]
pub enum RedirectFrom {
    /// This text at the beginning.
    Prefix(Template),
    /// `~` and `~*`
    Regex(Regex),
}
