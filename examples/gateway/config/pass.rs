use hyper::Version;
use regex::Regex;
use tower_upstream::Proxy;
use tower_upstream::connect::Tls;
use tower_upstream::nginx::{Lookups, Scheme, Template};

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
