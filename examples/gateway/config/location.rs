use std::net::IpAddr;
use std::time::Duration;

use regex::Regex;
use tower_upstream::nginx::Template;

use super::{AccessLog, ErrorLog, LimitConnections, LimitRequests, ProxyPass};

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

/// `set_real_ip_from`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RealIpFrom {
    /// Address and prefix length.
    Net(IpAddr, u8),
    /// `unix:`
    Unix,
}
