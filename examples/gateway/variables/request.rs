//! Variables about the client, its request and our answer.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::OnceLock;

use hyper::Version;
use hyper::header::{self, HeaderMap, HeaderName};
use tower_upstream::limit::rate::Status;
use tower_upstream::nginx::cookie;

use super::upstream::push_seconds;
use crate::clock;
use crate::config::{ListenAddress, ServerName};
use crate::exchange::Exchange;
use crate::limit_conn;
use crate::pages;
use crate::text;

/// Appends `$NAME`; false if it has no value.
pub fn append(x: &Exchange, name: &str, out: &mut String) -> bool {
    match name {
        "host" => match &x.host {
            Some(host) => out.push_str(host),
            None => push_server_name(x, out),
        },
        "request_uri" if x.line.is_none() => push_bytes(x.request_uri().as_bytes(), out),
        "uri" | "document_uri" if x.line.is_none() => push_bytes(x.path(), out),
        "args" | "query_string" => return some(x.args().filter(|args| !args.is_empty()), out),
        "is_args" => out.push_str(
            x.args()
                .map_or("", |args| if args.is_empty() { "" } else { "?" }),
        ),
        "request" => return request_line(x, out),
        "request_method" if x.line.is_none() => out.push_str(x.method.as_str()),
        "request_id" => return push(out, format_args!("{:032x}", request_id(x))),
        // Empty, which is not the same as missing to a log.
        "http2" if x.version != Version::HTTP_2 => {}
        "http2" if x.client.cover.is_tls() => out.push_str("h2"),
        "http2" => out.push_str("h2c"),
        "https" if x.client.cover.is_tls() => out.push_str("on"),
        "https" => {}
        "scheme" if x.client.cover.is_tls() => out.push_str("https"),
        "scheme" => out.push_str("http"),
        "server_name" => push_server_name(x, out),
        "server_addr" => match x.client.local {
            Some(address) => return push(out, address.ip()),
            None => match &x.plan().config.listens[x.client.listen].address {
                ListenAddress::Unix(path) => {
                    return push(out, format_args!("unix:{}", path.display()));
                }
                ListenAddress::Tcp(address) => return push(out, address.ip()),
            },
        },
        "server_port" => return x.client.local.is_some_and(|a| push(out, a.port())),
        "server_protocol" => out.push_str(version(x.version)),
        "remote_addr" => push_remote(x, out),
        "remote_port" => match x.real_ip {
            Some((_, port)) => return port.is_some_and(|port| push(out, port)),
            None => return x.client.remote.is_some_and(|a| push(out, a.port())),
        },
        "realip_remote_addr" => out.push_str(&x.client.remote_text),
        "realip_remote_port" => return x.client.remote.is_some_and(|a| push(out, a.port())),
        "binary_remote_addr" => binary(x.remote(), out),
        "remote_user" => return remote_user(&x.headers, out),
        "proxy_host" => return proxy(x).is_some_and(|p| push(out, &p.host)),
        "proxy_port" => return proxy(x).is_some_and(|p| push(out, &p.port)),
        "proxy_add_x_forwarded_for" => {
            if append_header(&x.headers, "x_forwarded_for", out) {
                out.push_str(", ");
            }
            push_remote(x, out);
        }
        "content_length" => return append_header(&x.headers, name, out),
        "content_type" => return append_header(&x.headers, name, out),
        "connection" => return push(out, x.client.id),
        "connection_requests" => return push(out, x.serial),
        "request_time" => push_seconds(x.started.elapsed(), out),
        "msec" => push_seconds(clock::since_epoch(), out),
        "time_local" => clock::with_local(|text| out.push_str(&text.log)),
        "time_iso8601" => clock::with_local(|text| out.push_str(&text.iso)),
        "status" => return push(out, format_args!("{:03}", status(x))),
        "limit_conn_status" => {
            return some(x.limit_conn.map(limit_conn::Status::as_str), out);
        }
        "limit_req_status" => return some(x.limit_req.map(Status::as_str), out),
        "body_bytes_sent" => return push(out, x.sent),
        "pid" => return push(out, std::process::id()),
        "hostname" => return some(clock::hostname(), out),
        _ => return family(x, name, out),
    }
    true
}

fn family(x: &Exchange, name: &str, out: &mut String) -> bool {
    if let Some(name) = name.strip_prefix("http_") {
        return append_header(&x.headers, name, out);
    }
    if let Some(name) = name.strip_prefix("arg_") {
        return some(argument(x.args().unwrap_or(""), name), out);
    }
    if let Some(name) = name.strip_prefix("cookie_") {
        let found = cookie(&x.headers, name);
        return found.map(|value| push_bytes(value, out)).is_some();
    }
    if let Some(name) = name.strip_prefix("sent_http_") {
        let sent = x.sent_headers.as_ref();
        return sent.is_some_and(|headers| append_header(headers, name, out));
    }
    match name.parse::<usize>() {
        Ok(digit) => some(x.captures.get(digit).map(String::as_str), out),
        Err(_) => false,
    }
}

/// Appends all values of the header that a variable's rest names, underscores for dashes.
pub fn append_header(headers: &HeaderMap, name: &str, out: &mut String) -> bool {
    let mut buffer = [0; 64];
    let Some(dashed) = buffer.get_mut(..name.len()) else {
        return false;
    };
    for (to, from) in dashed.iter_mut().zip(name.bytes()) {
        *to = if from == b'_' { b'-' } else { from };
    }
    let Ok(name) = HeaderName::from_bytes(dashed) else {
        return false;
    };
    let mut gap = "";
    for value in headers.get_all(&name) {
        out.push_str(gap);
        push_bytes(value.as_bytes(), out);
        gap = if name == header::COOKIE { "; " } else { ", " };
    }
    !gap.is_empty()
}

/// The first name of the server, as written.
fn push_server_name(x: &Exchange, out: &mut String) {
    match x.plan().config.servers[x.server].names.first() {
        Some(ServerName::Exact(name) | ServerName::Dot(name)) => out.push_str(name),
        Some(ServerName::Regex(_, source)) => {
            out.push('~');
            out.push_str(source);
        }
        Some(ServerName::Leading(rest)) => {
            out.push('*');
            out.push_str(rest);
        }
        Some(ServerName::Trailing(rest)) => {
            out.push_str(rest);
            out.push('*');
        }
        None => {}
    }
}

fn request_line(x: &Exchange, out: &mut String) -> bool {
    match &x.line {
        Some(line) => {
            out.push_str(line);
            !line.is_empty()
        }
        None => {
            out.push_str(x.asked.as_str());
            out.push(' ');
            // In HTTP/2 every target has them, and NGINX mentions them only where they are odd.
            let unusual = x.version != Version::HTTP_2;
            if let (Some(scheme), Some(host), true) =
                (x.uri.scheme_str(), x.uri.authority(), unusual)
            {
                push(out, format_args!("{scheme}://{host}"));
            }
            match x.uri.path_and_query() {
                Some(target) => out.push_str(target.as_str()),
                None => push_authority(x, out),
            }
            out.push(' ');
            out.push_str(version(x.version));
            true
        }
    }
}

/// The target of a `CONNECT`.
fn push_authority(x: &Exchange, out: &mut String) {
    out.push_str(x.uri.authority().map_or("", |host| host.as_str()));
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}

fn status(x: &Exchange) -> u16 {
    pages::shown(x.shown_status.unwrap_or(x.status))
}

fn proxy(x: &Exchange) -> Option<&crate::config::ProxyPass> {
    let place = &x.plan().places[x.proxied?];
    let pass = place.forward.as_ref().map(|forward| &forward.pass);
    pass.filter(|pass| !pass.scheme.is_grpc())
}

fn argument<'a>(args: &'a str, name: &str) -> Option<&'a str> {
    args.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn remote_user(headers: &HeaderMap, out: &mut String) -> bool {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, code) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then_some(code)
    });
    let Some(decoded) = basic.and_then(|code| base64(code.trim())) else {
        return false;
    };
    match decoded.iter().position(|&b| b == b':') {
        Some(end) if end > 0 => {
            push_bytes(&decoded[..end], out);
            true
        }
        _ => false,
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

fn push_remote(x: &Exchange, out: &mut String) {
    match x.real_ip {
        Some((ip, _)) => {
            push(out, ip);
        }
        None => out.push_str(&x.client.remote_text),
    }
}

fn binary(remote: Option<IpAddr>, out: &mut String) {
    match remote {
        Some(IpAddr::V4(ip)) => push_bytes(&ip.octets(), out),
        Some(IpAddr::V6(ip)) => push_bytes(&ip.octets(), out),
        None => out.push_str("unix:"),
    }
}

/// The same as often as a request asks, and nobody else's.
fn request_id(x: &Exchange) -> u128 {
    static SECRET: OnceLock<[RandomState; 2]> = OnceLock::new();
    let secrets = SECRET.get_or_init(|| [RandomState::new(), RandomState::new()]);
    let [high, low] = secrets
        .each_ref()
        .map(|secret| secret.hash_one((x.client.id, x.serial)));
    u128::from(high) << 64 | u128::from(low)
}

fn push_bytes(bytes: &[u8], out: &mut String) {
    text::push(bytes, out);
}

fn some(value: Option<&str>, out: &mut String) -> bool {
    value
        .map(|value| push_bytes(value.as_bytes(), out))
        .is_some()
}

fn push(out: &mut String, value: impl std::fmt::Display) -> bool {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_by_name() {
        assert_eq!(argument("a=1&B=2&b=3", "b"), Some("2"));
        assert_eq!(argument("ab=1&c", "b"), None);
    }

    #[test]
    fn headers_join_and_miss() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "a".parse().unwrap());
        headers.append("x-forwarded-for", "b".parse().unwrap());
        let mut out = String::new();
        assert!(append_header(&headers, "x_forwarded_for", &mut out));
        assert_eq!(out, "a, b");
        assert!(!append_header(&headers, "nope", &mut out));
    }

    #[test]
    fn the_user_is_what_stands_before_the_colon() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Basic YWxhZGRpbjpvcGVu".parse().unwrap());
        let mut out = String::new();
        assert!(remote_user(&headers, &mut out));
        assert_eq!(out, "aladdin");
        headers.insert("authorization", "Basic !".parse().unwrap());
        assert!(!remote_user(&headers, &mut out));
    }
}
