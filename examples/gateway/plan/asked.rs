use hyper::header::HeaderName;
use tower_upstream::nginx::Template;

use super::{Forward, Keep};
use crate::config::{Location, Redirect};

/// What the templates of a place ask for.
pub struct Asked {
    /// Headers of the request that outlive its being sent on.
    pub keep: Keep,
    /// `$1` and the like.
    pub captures: bool,
    /// `$sent_http_*`
    pub sent: bool,
    /// `$upstream_http_*`
    pub received: bool,
}

impl Asked {
    /// Looks at all of them; `lines` are those of the logs, `keys` those of the limits.
    pub fn of<'a>(
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
