//! Whether a request is one, and which server and location it belongs to.

use std::borrow::Cow;

use hyper::header::{self, HeaderMap};
use hyper::{Method, Version};
use regex::Captures;

use crate::config::{Level, Matcher, Server, ServerName};
use crate::exchange::Exchange;
use crate::log::error;
use crate::pages::HEAD_TOO_LARGE;
use crate::plan::Plan;
use crate::realip;
use crate::route::{Choice, Locations, escape_into, host_name, normalize};
use crate::tls;

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The exchange's place.
    Here,
    /// A redirect to the same path with a slash behind it.
    Redirect(String),
}

/// Checks the head of a request, and finds its server, its client and its path.
pub fn admit(x: &mut Exchange) -> Result<(), u16> {
    let refusal = check(x);
    let server = x.server;
    x.place = x.plan().sites[server].level;
    if let Some((status, why)) = refusal {
        if !why.is_empty() {
            error::about(
                x,
                Level::Info,
                format_args!("{why} while reading client request headers"),
            );
        }
        return Err(status);
    }
    find_client(x);
    Ok(())
}

/// Who the client is according to the place of an exchange, unless that is known already.
pub fn find_client(x: &mut Exchange) {
    let level = &x.at().location;
    if x.real_ip.is_none() && !level.real_ip_from.is_empty() {
        x.real_ip = realip::find(level, x.client.remote, &x.headers);
    }
}

fn check(x: &mut Exchange) -> Option<(u16, &'static str)> {
    if !x
        .method
        .as_str()
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'-')
    {
        return Some((400, "client sent invalid method"));
    }
    if x.uri.authority().is_some() && x.method == Method::CONNECT
        || !x.request_uri().starts_with('/')
    {
        return Some((400, "client sent invalid request"));
    }
    let raw = x.uri.path();
    match normalize(raw) {
        Ok(normal) => {
            let quoted = normal.quoted;
            if let Cow::Owned(path) = normal.path {
                x.path = Some(path);
            }
            x.quoted = quoted;
        }
        Err(_) => return Some((400, "client sent invalid request")),
    }
    if line_length(x) > x.worker().line_limit(x.client.listen) {
        return Some((414, "client sent too long URI"));
    }
    if let Some(refusal) = find_host(x) {
        return Some(refusal);
    }
    if header_too_large(x) {
        return Some((HEAD_TOO_LARGE, "client sent too long header line"));
    }
    if x.method == Method::TRACE {
        return Some((405, "client sent TRACE method"));
    }
    if x.headers.contains_key(header::TRANSFER_ENCODING) {
        let mut codings = x.headers.get_all(header::TRANSFER_ENCODING).iter();
        let coding = codings.next();
        if codings.next().is_some() {
            return Some((
                400,
                "client sent duplicate header line: \"Transfer-Encoding\"",
            ));
        }
        if !coding.is_some_and(|c| c.as_bytes().eq_ignore_ascii_case(b"chunked")) {
            return Some((501, "client sent unknown \"Transfer-Encoding\""));
        }
        if x.headers.contains_key(header::CONTENT_LENGTH) || lengths(x) > 0 {
            return Some((
                400,
                "client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
            ));
        }
    } else if x.headers.contains_key(header::CONTENT_LENGTH) && lengths(x) > 1 {
        return Some((400, "client sent duplicate header line: \"Content-Length\""));
    }
    drop_odd_names(&mut x.headers);
    tls::refusal(x)
}

/// The server a request asks for, by the host in its target or its `Host`.
fn find_host(x: &mut Exchange) -> Option<(u16, &'static str)> {
    let mut values = x.headers.get_all(header::HOST).iter();
    let host = values.next().cloned();
    let several = values.next().is_some();
    if several {
        x.asked_host = host;
        return Some((400, "client sent duplicate host header"));
    }
    if host.is_none() && x.version == Version::HTTP_11 {
        return Some((400, "client sent HTTP/1.1 request without \"Host\" header"));
    }
    let in_target = x.uri.authority().filter(|_| x.version != Version::HTTP_2);
    if host.is_none() && x.version == Version::HTTP_2 {
        return Some((
            400,
            "client sent neither \":authority\" nor \"Host\" header",
        ));
    }
    let name = match (in_target, &host) {
        (Some(authority), _) => target_host(authority.as_str()),
        (None, Some(host)) => host.to_str().ok().and_then(|host| host_name(host).ok()),
        (None, None) => return None,
    };
    let Some(name) = name.map(str::to_ascii_lowercase) else {
        x.asked_host = host;
        return Some((400, "client sent invalid host header"));
    };
    let names = &x.plan().names[x.client.listen];
    let server = match x.client.cover.session() {
        Some(session) if session.found_by.as_ref() == Some(&name) => session.server,
        _ => names.find(&name),
    };
    if tls::is_misdirected(x, server, &name) {
        x.asked_host = host;
        return Some((421, tls::MISDIRECTED));
    }
    x.server = server;
    x.captures = name_captures(&x.plan().config.servers[server], &name);
    x.asked_host = host;
    x.host = Some(name);
    None
}

/// The name in a target, which has fewer characters to choose from than `Host`.
fn target_host(authority: &str) -> Option<&str> {
    let usual = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let name = host_name(authority).ok()?;
    authority.bytes().all(usual).then_some(name)
}

/// Lines and heads longer than their buffers.
fn header_too_large(x: &Exchange) -> bool {
    let limit = x.worker().line_limit(x.client.listen);
    let mut total = line_length(x);
    for (name, value) in &x.headers {
        let length = name.as_str().len() + value.len() + 4;
        if length > limit {
            return true;
        }
        total += length;
    }
    total > x.worker().head_limit(x.client.listen)
}

fn line_length(x: &Exchange) -> usize {
    x.method.as_str().len() + x.request_uri().len() + " HTTP/1.1\r\n".len()
}

/// `Content-Length`s as they came: hyper makes one of several, and none next to a
/// `Transfer-Encoding`.
fn lengths(x: &Exchange) -> usize {
    if x.version == Version::HTTP_2 {
        return x.headers.get_all(header::CONTENT_LENGTH).iter().count();
    }
    let count = x.client.raw_head(|raw| count(raw, b"content-length"));
    count.unwrap_or(0)
}

fn count(raw: &[u8], name: &[u8]) -> usize {
    let lines = raw.split(|&b| b == b'\n');
    let named = lines.filter(|line| {
        line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
    });
    named.count()
}

/// Names with anything but letters, digits and dashes are dropped (HD-8).
fn drop_odd_names(headers: &mut HeaderMap) {
    let is_odd = |name: &str| !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    while let Some(name) = headers.keys().find(|name| is_odd(name.as_str())).cloned() {
        headers.remove(name);
    }
}

/// Chooses the location for the exchange's path.
pub fn locate(x: &mut Exchange) -> Found {
    let plan: &Plan = &x.client.worker.plan;
    let site = &plan.sites[x.server];
    let inner = |place: usize| -> &Locations { &plan.places[place].inner };
    let found = match site.locations.choose(x.path(), &inner) {
        Choice::Place(place) => {
            x.place = place;
            Found::Here
        }
        Choice::AddSlash(place) => {
            x.place = place;
            let mut path = String::new();
            escape_into(x.path(), &mut path);
            path.push('/');
            if let Some(args) = x.args().filter(|args| !args.is_empty()) {
                path.push('?');
                path.push_str(args);
            }
            return Found::Redirect(path);
        }
        Choice::None => {
            x.place = site.level;
            Found::Here
        }
    };
    if x.at().wants_captures {
        capture(x);
    }
    found
}

/// What the name of a server captured, if it is an expression.
fn name_captures(server: &Server, host: &str) -> Vec<String> {
    let found = server.names.iter().find_map(|name| match name {
        ServerName::Regex(regex, _) => regex.captures(host),
        _ => None,
    });
    found.as_ref().map(texts).unwrap_or_default()
}

fn texts(captures: &Captures<'_>) -> Vec<String> {
    let groups = captures.iter();
    groups
        .map(|group| group.map_or("", |g| g.as_str()).to_owned())
        .collect()
}

fn capture(x: &mut Exchange) {
    let Matcher::Regex(regex) = &x.at().location.matcher else {
        return;
    };
    let path = String::from_utf8_lossy(x.path());
    let captures = regex.captures(&path);
    x.captures = captures.as_ref().map(texts).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_counted_in_raw_heads() {
        let raw = b"GET / HTTP/1.1\r\nContent-length: 5\r\ncontent-LENGTH:5\r\n\r\n";
        assert_eq!(count(raw, b"content-length"), 2);
        assert_eq!(count(raw, b"content"), 0);
    }

    #[test]
    fn names_with_underscores_are_dropped() {
        let mut headers = HeaderMap::new();
        for name in ["a_b", "a-b", "c_d"] {
            headers.insert(
                header::HeaderName::from_static(name),
                header::HeaderValue::from_static("1"),
            );
        }
        drop_odd_names(&mut headers);
        assert_eq!(
            headers.keys().map(|n| n.as_str()).collect::<Vec<_>>(),
            ["a-b"]
        );
    }
}
