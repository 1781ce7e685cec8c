//! The configuration made ready to serve: locations numbered, header names parsed, lookups built.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hyper::header::{HeaderName, HeaderValue};
use tower_upstream::connect::Spelling;
use tower_upstream::nginx::Template;

use crate::config::{
    Action, AddHeader, Config, Level, LimitConnections, LimitRequests, Location, Matcher,
    ProxyPass, Redirect, Server,
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

/// `proxy_pass` with its header names parsed.
#[derive(Debug)]
pub struct Forward {
    /// As configured.
    pub pass: ProxyPass,
    /// `proxy_set_header`s with NGINX's two defaults.
    pub set: Vec<SetHeader>,
    /// How their names are written.
    pub spelling: Spelling,
    /// Not passed on to the client.
    pub hide: Vec<HeaderName>,
    /// Passed on although they usually are not.
    pub show: Vec<HeaderName>,
    /// Length of the part of a path that gives way to the URI of `proxy_pass`.
    pub matched: usize,
}

/// One `proxy_set_header`.
#[derive(Debug)]
pub struct SetHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub to: SetTo,
    /// One more line beside an earlier one of the same name.
    pub again: bool,
}

/// What a header is set to.
#[derive(Debug)]
pub enum SetTo {
    /// Always the same; `None` removes it.
    Fixed(Option<HeaderValue>),
    /// As evaluated; an empty value removes it.
    Evaluated(Template),
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

/// What the templates of a place ask for.
struct Asked {
    keep: Keep,
    captures: bool,
    sent: bool,
    received: bool,
}

impl Asked {
    fn of<'a>(
        location: &'a Location,
        logs: &[(usize, usize)],
        lines: &'a [Template],
        keys: impl Iterator<Item = &'a Template>,
        forward: Option<&'a Forward>,
    ) -> Self {
        let late = logs.iter().map(|(_, format)| &lines[*format]);
        let added = location.add_headers.iter().chain(&location.add_trailers);
        let late = late.chain(added.map(|h| &h.value));
        let redirects = forward.map_or(&[][..], |f| &f.pass.redirects);
        let late: Vec<&Template> = late
            .chain(redirects.iter().flat_map(Redirect::templates))
            .collect();
        let mut names = Vec::new();
        for variable in late.iter().flat_map(|t| t.variables()) {
            let name = match variable.strip_prefix("http_") {
                Some(name) => name.replace('_', "-"),
                None if variable.starts_with("cookie_") => "cookie".into(),
                None if variable == "remote_user" => "authorization".into(),
                None if variable == "proxy_add_x_forwarded_for" => "x-forwarded-for".into(),
                None if variable == "content_type" => "content-type".into(),
                None if variable == "content_length" => "content-length".into(),
                None => continue,
            };
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let early = forward.into_iter().flat_map(Forward::templates);
        let returns = location.returns.iter().flat_map(|r| r.answer.template());
        let pages = location.error_pages.iter().map(|page| &page.target);
        let all = late.into_iter().chain(early).chain(returns);
        let all = all.chain(pages).chain(keys);
        let all: Vec<&str> = all.flat_map(|t| t.variables()).collect();
        Self {
            captures: all
                .iter()
                .any(|v| v.starts_with(|c: char| c.is_ascii_digit())),
            sent: all.iter().any(|v| v.starts_with("sent_http_")),
            received: all
                .iter()
                .any(|v| v.starts_with("upstream_http_") || v.starts_with("upstream_cookie_")),
            keep: match location.error_pages.is_empty() {
                true => Keep::Some(names),
                false => Keep::All,
            },
        }
    }
}

impl Forward {
    fn new(pass: ProxyPass, matcher: &Matcher) -> Result<Self, String> {
        let mut set: Vec<SetHeader> = Vec::new();
        let again =
            |set: &[SetHeader], name: &HeaderName| set.iter().any(|known| known.name == *name);
        for (name, value) in &pass.set_headers {
            let name = header_name(name)?;
            set.push(SetHeader {
                again: again(&set, &name),
                name,
                to: SetTo::new(value.clone())?,
            });
        }
        let close = (!pass.scheme.is_grpc()).then_some(("connection", "close"));
        for (name, value) in close.into_iter().chain([("host", pass.host.as_str())]) {
            let name = HeaderName::from_static(name);
            if !again(&set, &name) {
                set.push(SetHeader {
                    name,
                    to: SetTo::new(Template::literal(value))?,
                    again: false,
                });
            }
        }
        Ok(Self {
            hide: header_names(&pass.hide_headers)?,
            show: header_names(&pass.pass_headers)?,
            matched: match matcher {
                Matcher::Prefix(p) | Matcher::PrefixOnly(p) | Matcher::Exact(p) => p.len(),
                _ => 0,
            },
            spelling: Spelling::new(pass.set_headers.iter().map(|(name, _)| name)),
            set,
            pass,
        })
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        use crate::config::PassUri;
        let uri = match &self.pass.uri {
            PassUri::Evaluate(template) => Some(template),
            _ => None,
        };
        let set = self.pass.set_headers.iter().map(|(_, value)| value);
        set.chain(&self.pass.method)
            .chain(&self.pass.set_body)
            .chain(&self.pass.tls_name)
            .chain(uri)
            .chain(self.pass.lookups.templates())
    }
}

impl SetTo {
    fn new(template: Template) -> Result<Self, String> {
        Ok(match template.as_literal() {
            Some("") => Self::Fixed(None),
            Some(text) => Self::Fixed(Some(header_value(text)?)),
            None => Self::Evaluated(template),
        })
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("invalid header name \"{name}\""))
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("invalid header value \"{text}\""))
}

fn header_names(list: &[String]) -> Result<Vec<HeaderName>, String> {
    list.iter().map(|name| header_name(name)).collect()
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
