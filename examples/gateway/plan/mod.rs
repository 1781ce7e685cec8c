//! The configuration made ready to serve: locations numbered, header names parsed, lookups built.

mod asked;
mod forward;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hyper::header::{HeaderName, HeaderValue};
use tower_upstream::connect::Spelling;
use tower_upstream::nginx::Template;

use asked::Asked;
pub use forward::{Forward, SetHeader, SetTo};
use forward::{header_name, header_value};

use crate::config::{
    Action, AddHeader, Config, Level, LimitConnections, LimitRequests, Location, Matcher, Server,
};
use crate::route::{Locations, Names};

/// Everything the workers share.
#[derive(Debug)]
pub struct Plan {
    /// The file, its locations moved to [`Plan::places`].
    pub config: Config,
    /// Per server.
    pub sites: Vec<Site>,
    /// Per listening address.
    pub names: Vec<Names>,
    /// Every location and every server level.
    pub places: Vec<Place>,
    /// Access logs, each path once.
    pub files: Vec<PathBuf>,
    /// Some line or header wants `$sent_http_*`.
    pub wants_sent: bool,
    /// Some line or header wants `$upstream_http_*`.
    pub wants_received: bool,
}

/// A server's places.
#[derive(Debug, Default)]
pub struct Site {
    /// The server level itself.
    pub level: usize,
    /// The locations of the first level.
    pub locations: Locations,
    /// By name, with the `@`.
    pub named: HashMap<String, usize>,
}

/// A location, or a server level.
#[derive(Debug)]
pub struct Place {
    /// What holds here; its inner locations are places of their own.
    pub location: Location,
    /// The locations inside.
    pub inner: Locations,
    /// Indices into [`Plan::files`] and [`Config::log_formats`].
    pub logs: Vec<(usize, usize)>,
    /// `add_header`s: name, value, always.
    pub add_headers: Vec<(HeaderName, Template, bool)>,
    /// How their names are written.
    pub spelling: Spelling,
    /// `add_trailer`s.
    pub add_trailers: Vec<AddHeader>,
    /// What texts of ours are.
    pub default_type: Option<HeaderValue>,
    /// The request's headers that are asked for once it has been sent on.
    pub keep: Keep,
    /// `$1` and the like are asked for.
    pub wants_captures: bool,
    /// `proxy_pass` or `grpc_pass`
    pub forward: Option<Forward>,
}

/// Headers of a request that outlive its being sent on.
#[derive(Debug, PartialEq, Eq)]
pub enum Keep {
    /// All: it may be sent again, elsewhere.
    All,
    /// What logs and headers mention.
    Some(Vec<HeaderName>),
}

impl Plan {
    /// Makes a configuration ready; `prefix` is what its paths are relative to.
    pub fn new(mut config: Config, prefix: &Path) -> Result<Self, String> {
        let names = config
            .listens
            .iter()
            .map(|listen| Names::new(listen, &config))
            .collect();
        let mut build = Build {
            prefix,
            places: Vec::new(),
            files: Vec::new(),
            lines: config.log_formats.iter().map(|f| f.line.clone()).collect(),
            request_keys: config.request_zones.iter().map(|z| z.key.clone()).collect(),
            connection_keys: config
                .connection_zones
                .iter()
                .map(|z| z.key.clone())
                .collect(),
            wants_sent: false,
            wants_received: false,
        };
        let mut sites = Vec::new();
        for server in &mut config.servers {
            sites.push(build.site(server)?);
        }
        Ok(Self {
            names,
            sites,
            wants_sent: build.wants_sent,
            wants_received: build.wants_received,
            places: build.places,
            files: build.files,
            config,
        })
    }
}

struct Build<'a> {
    prefix: &'a Path,
    places: Vec<Place>,
    files: Vec<PathBuf>,
    lines: Vec<Template>,
    /// Of `request_zones`.
    request_keys: Vec<Template>,
    /// Of `connection_zones`.
    connection_keys: Vec<Template>,
    wants_sent: bool,
    wants_received: bool,
}

impl Build<'_> {
    fn site(&mut self, server: &mut Server) -> Result<Site, String> {
        let mut site = Site::default();
        let level = std::mem::replace(&mut server.level, placeholder());
        site.level = self.place(level, &mut site.named)?;
        for location in std::mem::take(&mut server.locations) {
            let place = self.place(location, &mut site.named)?;
            self.file_under(&mut site.locations, place);
        }
        Ok(site)
    }

    fn file_under(&self, level: &mut Locations, place: usize) {
        let it = &self.places[place];
        level.add(&it.location.matcher, it.forward.is_some(), place);
    }

    fn place(
        &mut self,
        mut location: Location,
        named: &mut HashMap<String, usize>,
    ) -> Result<usize, String> {
        let mut inner = Locations::default();
        for nested in std::mem::take(&mut location.locations) {
            let place = self.place(nested, named)?;
            self.file_under(&mut inner, place);
        }
        let action = std::mem::replace(&mut location.action, Action::None);
        let forward = match action {
            Action::Proxy(pass) => Some(Forward::new(*pass, &location.matcher)?),
            Action::None => None,
        };
        let mut add_headers = Vec::new();
        for header in &location.add_headers {
            let value = header.value.clone();
            add_headers.push((header_name(&header.name)?, value, header.always));
        }
        let logs = location.access_logs.iter();
        let logs: Vec<_> = logs.map(|log| (self.file(&log.path), log.format)).collect();
        let keys = location.limit_req.limits.iter();
        let keys = keys.map(|(zone, _)| &self.request_keys[*zone]);
        let counted = location.limit_conn.limits.iter();
        let keys = keys.chain(counted.map(|(zone, _)| &self.connection_keys[*zone]));
        let asked = Asked::of(&location, &logs, &self.lines, keys, forward.as_ref());
        self.wants_sent |= asked.sent;
        self.wants_received |= asked.received;
        let place = self.places.len();
        if let Matcher::Named(name) = &location.matcher {
            named.insert(name.clone(), place);
        }
        self.places.push(Place {
            keep: asked.keep,
            wants_captures: asked.captures,
            spelling: Spelling::new(location.add_headers.iter().map(|h| &h.name)),
            add_trailers: std::mem::take(&mut location.add_trailers),
            default_type: match location.default_type.as_str() {
                "" => None,
                kind => Some(header_value(kind)?),
            },
            location,
            inner,
            logs,
            add_headers,
            forward,
        });
        Ok(place)
    }

    fn file(&mut self, path: &Path) -> usize {
        let path = self.prefix.join(path);
        match self.files.iter().position(|known| *known == path) {
            Some(index) => index,
            None => {
                self.files.push(path);
                self.files.len() - 1
            }
        }
    }
}

/// Stands where a location was taken from.
fn placeholder() -> Location {
    Location {
        matcher: Matcher::Level,
        action: Action::None,
        returns: None,
        locations: Vec::new(),
        client_max_body_size: 0,
        client_body_timeout: std::time::Duration::ZERO,
        keepalive_timeout: std::time::Duration::ZERO,
        keepalive_header: None,
        keepalive_requests: 0,
        add_headers: Vec::new(),
        add_trailers: Vec::new(),
        default_type: String::new(),
        internal: false,
        error_pages: Vec::new(),
        access_logs: Vec::new(),
        error_log: None,
        limit_req: LimitRequests {
            limits: Vec::new(),
            status: 503,
            dry_run: false,
            refused_level: Level::Error,
            delayed_level: Level::Warn,
        },
        limit_conn: LimitConnections {
            limits: Vec::new(),
            status: 503,
            dry_run: false,
            refused_level: Level::Error,
        },
        real_ip_from: Vec::new(),
        real_ip_header: String::new(),
    }
}
