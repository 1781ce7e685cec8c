use std::net::{IpAddr, SocketAddr};

use http::header::HOST;
use http::request::Parts;

use super::{Template, Variables, cookie};

/// NGINX's variables as far as a client service can know them.
///
/// | variable | value |
/// | --- | --- |
/// | `$host` | the `Host` header, else the URI's host, lower case and without port |
/// | `$proxy_host`, `$proxy_port` | the destination of `proxy_pass` |
/// | `$http_NAME` | a header; several `Cookie` and `X-Forwarded-For` are joined, of others the first counts |
/// | `$cookie_NAME` | a cookie |
/// | `$request_method`, `$request_uri`, `$args`, `$arg_NAME` | as they are |
/// | `$uri` | the path with `%XX`, `//`, `.` and `..` resolved |
/// | `$scheme` | the URI's, else `http` |
/// | `$remote_addr`, `$remote_port` | a [`SocketAddr`] in the request's extensions, else empty |
/// | `$binary_remote_addr` | its bytes, in keys only |
/// | `$proxy_add_x_forwarded_for` | `X-Forwarded-For` and `$remote_addr`, joined |
pub(super) struct ClientVariables<'a> {
    pub(super) request: &'a Parts,
    pub(super) proxy_host: &'a str,
    pub(super) proxy_port: &'a str,
}

/// Whether there is such a variable for a client.
pub(super) fn known(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "proxy_host"
            | "proxy_port"
            | "request_method"
            | "request_uri"
            | "uri"
            | "args"
            | "scheme"
            | "remote_addr"
            | "remote_port"
            | "proxy_add_x_forwarded_for"
    ) || ["http_", "arg_", "cookie_"]
        .iter()
        .any(|family| name.starts_with(family))
}

/// The same for a `hash` key, which need not be text.
pub(super) fn known_in_keys(name: &str) -> bool {
    known(name) || name == "binary_remote_addr"
}

impl Variables for ClientVariables<'_> {
    fn append(&self, name: &str, out: &mut String) -> bool {
        let before = out.len();
        let uri = &self.request.uri;
        match name {
            "host" => self.host(out),
            "proxy_host" => out.push_str(self.proxy_host),
            "proxy_port" => out.push_str(self.proxy_port),
            "request_method" => out.push_str(self.request.method.as_str()),
            "request_uri" => out.push_str(uri.path_and_query().map_or("/", |p| p.as_str())),
            "uri" => normalize(uri.path(), out),
            "args" => out.push_str(uri.query().unwrap_or_default()),
            "scheme" => out.push_str(uri.scheme_str().unwrap_or("http")),
            "remote_addr" => {
                out.extend(
                    self.remote()
                        .map(|addr| addr.ip().to_canonical().to_string()),
                );
            }
            "remote_port" => out.extend(self.remote().map(|addr| addr.port().to_string())),
            "proxy_add_x_forwarded_for" => {
                self.header("x_forwarded_for", out);
                if out.len() > before && self.remote().is_some() {
                    out.push_str(", ");
                }
                self.append("remote_addr", out);
            }
            _ => match name.split_once('_') {
                Some(("http", header)) => self.header(header, out),
                Some(("arg", arg)) => out.push_str(self.argument(arg)),
                Some(("cookie", name)) => {
                    let value = cookie(&self.request.headers, name).unwrap_or_default();
                    out.push_str(&String::from_utf8_lossy(value));
                }
                _ => return false,
            },
        }
        out.len() > before
    }
}

impl ClientVariables<'_> {
    /// Whose request it is, if its caller says so.
    pub(super) fn remote(&self) -> Option<&SocketAddr> {
        self.request.extensions.get()
    }

    /// What a template comes to as a key.
    pub(super) fn bytes(&self, template: &Template) -> Vec<u8> {
        let mut out = Vec::new();
        for part in template.parts() {
            let octets = self.remote().map(|addr| addr.ip().to_canonical());
            match (part, octets) {
                (Ok(text), _) => out.extend_from_slice(text.as_bytes()),
                (Err("binary_remote_addr"), Some(IpAddr::V4(ip))) => out.extend(ip.octets()),
                (Err("binary_remote_addr"), Some(IpAddr::V6(ip))) => out.extend(ip.octets()),
                (Err(name), _) => {
                    let mut value = String::new();
                    self.append(name, &mut value);
                    out.extend_from_slice(value.as_bytes());
                }
            }
        }
        out
    }

    fn host(&self, out: &mut String) {
        let header = self.request.headers.get(HOST).and_then(|h| h.to_str().ok());
        let host = header
            .or_else(|| self.request.uri.host())
            .unwrap_or_default();
        let end = match host.find(']') {
            Some(bracket) => bracket + 1,
            None => host.find(':').unwrap_or(host.len()),
        };
        out.extend(host[..end].chars().map(|c| c.to_ascii_lowercase()));
    }

    /// `name` as in `$http_name`: lower case, `_` for `-`.
    fn header(&self, name: &str, out: &mut String) {
        let same = |header: &str| {
            let header = header.bytes().map(|b| if b == b'-' { b'_' } else { b });
            header.eq(name.bytes())
        };
        let gap = match name {
            "x_forwarded_for" => ", ",
            "cookie" => "; ",
            _ => "",
        };
        let mut first = true;
        for (header, value) in &self.request.headers {
            if !same(header.as_str()) || (!first && gap.is_empty()) {
                continue;
            }
            if !first {
                out.push_str(gap);
            }
            first = false;
            out.push_str(&String::from_utf8_lossy(value.as_bytes()));
        }
    }

    fn argument(&self, name: &str) -> &str {
        let query = self.request.uri.query().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
            .unwrap_or_default()
    }
}

/// A path as NGINX compares it: decoded, slashes merged, `.` and `..` followed.
fn normalize(path: &str, out: &mut String) {
    let decoded = decode(path);
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    for segment in &segments {
        out.push('/');
        out.push_str(segment);
    }
    let open = decoded.ends_with(['/']) || decoded.ends_with("/.") || decoded.ends_with("/..");
    if segments.is_empty() || open {
        out.push('/');
    }
}

fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |b: u8| char::from(b).to_digit(16);
        let pair = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nginx::Template;

    fn eval(text: &str, request: &http::request::Builder, remote: Option<&str>) -> String {
        let mut request = http::Request::builder()
            .method(request.method_ref().cloned().unwrap_or_default())
            .uri(request.uri_ref().cloned().unwrap_or_default())
            .body(())
            .map(|mut r| {
                *r.headers_mut() = request.headers_ref().cloned().unwrap_or_default();
                r
            })
            .expect("a request");
        if let Some(addr) = remote {
            let addr: SocketAddr = addr.parse().expect("an address");
            request.extensions_mut().insert(addr);
        }
        let (parts, ()) = request.into_parts();
        let variables = ClientVariables {
            request: &parts,
            proxy_host: "orders",
            proxy_port: "80",
        };
        let mut out = String::new();
        let template = Template::parse(text, known).expect("a template");
        template.eval(&variables, &mut out);
        out
    }

    #[test]
    fn values() {
        let request = http::Request::builder()
            .method("POST")
            .uri("http://EXAMPLE.com:81/a/../b//c%20d/?x=1&Y=2&x=3")
            .header("X-Forwarded-For", "1.1.1.1")
            .header("X-Forwarded-For", "2.2.2.2")
            .header("Cookie", "a=1,Sid = x; sid=y")
            .header("X-Twice", "first")
            .header("X-Twice", "second");
        let remote = Some("10.0.0.1:4711");
        for (text, value) in [
            ("$host", "example.com"),
            ("$proxy_host:$proxy_port", "orders:80"),
            ("$request_method", "POST"),
            ("$request_uri", "/a/../b//c%20d/?x=1&Y=2&x=3"),
            ("$uri", "/b/c d/"),
            ("$args", "x=1&Y=2&x=3"),
            ("$arg_x$arg_y$arg_z", "12"),
            ("$cookie_sid$cookie_nope", "x"),
            ("$scheme", "http"),
            ("$http_x_twice", "first"),
            ("$http_x_missing", ""),
            ("$remote_addr $remote_port", "10.0.0.1 4711"),
            ("$proxy_add_x_forwarded_for", "1.1.1.1, 2.2.2.2, 10.0.0.1"),
        ] {
            assert_eq!(eval(text, &request, remote), value, "{text}");
        }
    }

    #[test]
    fn without_an_address_there_is_nothing_to_add() {
        let plain = http::Request::builder().uri("/").header("Host", "A:8080");
        assert_eq!(eval("$remote_addr$remote_port", &plain, None), "");
        assert_eq!(eval("$proxy_add_x_forwarded_for", &plain, None), "");
        assert_eq!(eval("$host", &plain, None), "a");
        let behind = http::Request::builder()
            .uri("/")
            .header("X-Forwarded-For", "1.1.1.1");
        assert_eq!(eval("$proxy_add_x_forwarded_for", &behind, None), "1.1.1.1");
        let here = Some("[::ffff:10.0.0.1]:5");
        assert_eq!(eval("$proxy_add_x_forwarded_for", &plain, here), "10.0.0.1");
    }

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/", "/"),
            ("", "/"),
            ("/a/b", "/a/b"),
            ("/a//b/", "/a/b/"),
            ("/a/./b/..", "/a/"),
            ("/../..", "/"),
            ("/%41%2fb", "/A/b"),
            ("/%zz%4", "/%zz%4"),
        ] {
            let mut out = String::new();
            normalize(path, &mut out);
            assert_eq!(out, expected, "{path}");
        }
    }
}
