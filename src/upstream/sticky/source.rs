use std::borrow::Cow;

use http::header::HOST;
use http::{HeaderMap, Uri};

use super::cookie;

/// A request as its sender wrote it, as far as sessions go by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

/// A variable that may name a session or a server.
///
/// | variable | value |
/// | --- | --- |
/// | `$cookie_NAME` | a cookie of the request |
/// | `$arg_NAME` | an argument of its query |
/// | `$http_NAME` | a header of it; several are joined |
/// | `$host` | its `Host` header, else the URI's host, lower case and without port |
/// | `$upstream_cookie_NAME` | a cookie that the response sets |
/// | `$upstream_http_NAME` | a header of the response; several are joined |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Request(FromRequest),
    Response(FromResponse),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FromRequest {
    Cookie(String),
    Argument(String),
    Header(String),
    Host,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FromResponse {
    Cookie(String),
    Header(String),
}

impl Source {
    /// The variable that a word is (`$cookie_a`). The error is in NGINX's words.
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        match word.strip_prefix('$') {
            Some(name) if !name.is_empty() => Self::named(name),
            _ => Err(format!("invalid variable name \"{word}\"")),
        }
    }

    /// The variable of this name, without its `$`. The error is in NGINX's words.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let name = name.to_ascii_lowercase();
        let rest = |family: &str| {
            let rest = name.strip_prefix(family)?;
            (!rest.is_empty()).then(|| rest.to_owned())
        };
        None.or_else(|| rest("cookie_").map(|n| Self::Request(FromRequest::Cookie(n))))
            .or_else(|| rest("arg_").map(|n| Self::Request(FromRequest::Argument(n))))
            .or_else(|| rest("http_").map(|n| Self::Request(FromRequest::Header(n))))
            .or_else(|| (name == "host").then_some(Self::Request(FromRequest::Host)))
            .or_else(|| rest("upstream_cookie_").map(|n| Self::Response(FromResponse::Cookie(n))))
            .or_else(|| rest("upstream_http_").map(|n| Self::Response(FromResponse::Header(n))))
            .ok_or_else(|| format!("unknown \"{name}\" variable"))
    }
}

impl FromRequest {
    /// The variable that a word is, which must be there before there is a response.
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        Self::of(Source::parse(word)?, &word[1..])
    }

    /// The variable of this name, likewise.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        Self::of(Source::named(name)?, name)
    }

    fn of(source: Source, name: &str) -> Result<Self, String> {
        match source {
            Source::Request(source) => Ok(source),
            Source::Response(_) => Err(format!("the \"{name}\" variable is of a response")),
        }
    }

    /// Its value; an empty one counts as none.
    pub(super) fn value<'a>(&self, head: Head<'a>) -> Option<Cow<'a, [u8]>> {
        let found = match self {
            Self::Cookie(name) => cookie::cookie(head.headers, name)?.into(),
            Self::Argument(name) => argument(head.uri, name)?.as_bytes().into(),
            Self::Header(name) => header(head.headers, name)?,
            Self::Host => host(head)?.into(),
        };
        (!found.is_empty()).then_some(found)
    }
}

impl FromResponse {
    /// Its value; an empty one counts as none.
    pub(super) fn value<'a>(&self, headers: &'a HeaderMap) -> Option<Cow<'a, [u8]>> {
        let found = match self {
            Self::Cookie(name) => cookie::set_cookie(headers, name)?.into(),
            Self::Header(name) => header(headers, name)?,
        };
        (!found.is_empty()).then_some(found)
    }
}

/// The first value that is not empty.
pub(super) fn first<'a>(sources: &[FromRequest], head: Head<'a>) -> Option<Cow<'a, [u8]>> {
    sources.iter().find_map(|source| source.value(head))
}

/// `name` as in `$http_name`: lower case, `_` for `-`.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, [u8]>> {
    let same = |header: &str| {
        let header = header.bytes().map(|b| if b == b'-' { b'_' } else { b });
        header.eq(name.bytes())
    };
    let found = headers.iter().filter(|(header, _)| same(header.as_str()));
    let mut found = found.map(|(_, value)| value.as_bytes());
    let first = Cow::from(found.next()?);
    let gap: &[u8] = if name == "cookie" { b"; " } else { b", " };
    Some(found.fold(first, |joined, value| {
        [joined.as_ref(), gap, value].concat().into()
    }))
}

fn argument<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value)
}

fn host(head: Head<'_>) -> Option<Vec<u8>> {
    let header = head.headers.get(HOST).map(|host| host.as_bytes());
    let host = header.or_else(|| head.uri.host().map(str::as_bytes))?;
    let position = |wanted: u8| host.iter().position(|&byte| byte == wanted);
    let end = match position(b']') {
        Some(bracket) => bracket + 1,
        None => position(b':').unwrap_or(host.len()),
    };
    let host = &host[..end];
    Some(host.strip_suffix(b".").unwrap_or(host).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, request: &http::Request<()>) -> Option<String> {
        let found = match Source::named(name).expect("a known variable") {
            Source::Request(source) => source.value(Head {
                uri: request.uri(),
                headers: request.headers(),
            })?,
            Source::Response(source) => source.value(request.headers())?,
        };
        Some(String::from_utf8_lossy(&found).into_owned())
    }

    #[test]
    fn variables_have_nginx_values() {
        let request = http::Request::get("http://Elsewhere/?id=&ID=2&sid=a=b&sid=c")
            .header("host", "A.Example.:81")
            .header("cookie", "x=1")
            .header("cookie", "S=2; t=")
            .header("set-cookie", "u=9; path=/")
            .header("x-one", "1")
            .header("x-two", "1")
            .header("x-two", "2")
            .header("x-none", "")
            .body(())
            .expect("a request");
        for (name, expected) in [
            ("cookie_s", Some("2")),
            ("cookie_t", None),
            ("COOKIE_X", Some("1")),
            ("arg_id", None),
            ("arg_sid", Some("a=b")),
            ("arg_nope", None),
            ("http_x_one", Some("1")),
            ("http_x_two", Some("1, 2")),
            ("http_cookie", Some("x=1; S=2; t=")),
            ("http_x_none", None),
            ("host", Some("a.example")),
            ("upstream_cookie_u", Some("9")),
            ("upstream_cookie_x", None),
            ("upstream_http_x_two", Some("1, 2")),
        ] {
            assert_eq!(value(name, &request).as_deref(), expected, "{name}");
        }
        let v6 = http::Request::get("http://[::1]:80/")
            .body(())
            .expect("one");
        assert_eq!(value("host", &v6).as_deref(), Some("[::1]"));
    }

    #[test]
    fn variables_nobody_knows_are_refused() {
        for name in ["nope", "cookie_", "http_", "upstream_addr", ""] {
            let error = Source::named(name).unwrap_err();
            assert_eq!(error, format!("unknown \"{name}\" variable"));
        }
    }
}
