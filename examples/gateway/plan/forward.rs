use hyper::header::{HeaderName, HeaderValue};
use tower_upstream::connect::Spelling;
use tower_upstream::nginx::Template;

use crate::config::{Matcher, ProxyPass};

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

impl Forward {
    pub(super) fn new(pass: ProxyPass, matcher: &Matcher) -> Result<Self, String> {
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

    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
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

pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("invalid header name \"{name}\""))
}

pub(super) fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("invalid header value \"{text}\""))
}

fn header_names(list: &[String]) -> Result<Vec<HeaderName>, String> {
    list.iter().map(|name| header_name(name)).collect()
}
