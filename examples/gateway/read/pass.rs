use std::net::ToSocketAddrs;

use http::Version;
use tower_upstream::connect::Tls;
use tower_upstream::nginx::{Address, Directive, Modifier, PassUrl, SslLevel, Template};

use super::forward::Rule;
use super::scope::{GRPC_SSL, PROXY_SSL, Scope};
use super::shared::{Shared, template};
use super::variables;
use crate::config::{PassUri, ProxyPass, Redirect, RedirectFrom};

/// What NGINX says about a URI where it cannot take the place of a location.
const NO_URI: &str = "\"proxy_pass\" cannot have URI part in location given by regular expression, \
                      or inside named location, or inside \"if\" statement, or inside \
                      \"limit_except\" block";

/// Whether an address needs no name, or one that somebody knows.
pub(crate) fn resolves(address: &Address) -> bool {
    if address.is_unix() {
        return true;
    }
    let host = address.host.trim_start_matches('[').trim_end_matches(']');
    (host, address.port.unwrap_or(80))
        .to_socket_addrs()
        .is_ok_and(|mut found| found.next().is_some())
}

/// Reads `proxy_pass` or `grpc_pass` once everything about its location is known.
pub(crate) fn read(
    d: &Directive,
    location: (Modifier, &str),
    scope: &Scope,
    shared: &mut Shared,
) -> Option<ProxyPass> {
    match d.name() {
        "grpc_pass" => grpc(d, scope, shared),
        _ => proxy(d, location, scope, shared),
    }
}

fn grpc(d: &Directive, scope: &Scope, shared: &mut Shared) -> Option<ProxyPass> {
    let text = d.arg(0);
    let pass = match text.contains('$') {
        true => Err("variables in \"grpc_pass\" are not supported".into()),
        false => PassUrl::grpc(text),
    };
    let pass = match pass {
        Ok(pass) => pass,
        Err(message) => {
            shared.problems.push(d.place(0), message);
            return None;
        }
    };
    let group = group(d, &pass, shared)?;
    let (tls, tls_name) = tls(d, &pass, (GRPC_SSL, &scope.grpc_ssl), shared)?;
    let (forward, proxy) = (&scope.grpc_forward, &scope.grpc);
    Some(ProxyPass {
        group,
        lookups: shared.lookups.get(group).cloned().unwrap_or_default(),
        redirects: Vec::new(),
        host: pass.host,
        port: pass.port,
        uri: PassUri::Same,
        proxy: proxy.finish_grpc(),
        version: Version::HTTP_2,
        scheme: pass.scheme,
        tls,
        tls_name,
        set_headers: forward.set_headers.clone(),
        hide_headers: forward.hide_headers.clone(),
        pass_headers: forward.pass_headers.clone(),
        method: None,
        set_body: None,
        pass_request_headers: true,
        pass_request_body: true,
        intercept_errors: forward.intercept_errors.unwrap_or(false),
        pass_trailers: true,
        ignore_client_abort: false,
        buffering: false,
        buffers: proxy.buffers_or_default(),
    })
}

fn proxy(
    d: &Directive,
    location: (Modifier, &str),
    scope: &Scope,
    shared: &mut Shared,
) -> Option<ProxyPass> {
    let text = d.arg(0);
    let (fixed, evaluated) = match split(text) {
        Ok(parts) => parts,
        Err(message) => {
            shared.problems.push(d.place(0), message);
            return None;
        }
    };
    if evaluated.is_some() {
        template(d, 0, &mut shared.problems)?;
    }
    let pass = match PassUrl::parse(fixed) {
        Ok(pass) => pass,
        Err(message) => {
            shared.problems.push(d.place(0), message);
            return None;
        }
    };
    let group = group(d, &pass, shared)?;
    let (modifier, prefix) = location;
    let uri = match evaluated {
        Some(uri) => PassUri::Evaluate(Template::parse(uri, variables::known).ok()?),
        None if pass.uri.is_empty() => PassUri::Same,
        None if modifier.is_regex() || modifier == Modifier::Named => {
            shared.problems.push(d.place(0), NO_URI);
            return None;
        }
        None => PassUri::Replace(pass.uri.clone()),
    };
    let (tls, tls_name) = tls(d, &pass, (PROXY_SSL, &scope.proxy_ssl), shared)?;
    let forward = &scope.forward;
    let proxy = &scope.proxy;
    Some(ProxyPass {
        group,
        lookups: shared.lookups.get(group).cloned().unwrap_or_default(),
        redirects: redirects(forward.redirects.as_deref(), text, &uri, prefix),
        host: pass.host,
        port: pass.port,
        uri,
        proxy: proxy.finish(),
        version: proxy.version(),
        scheme: pass.scheme,
        tls,
        tls_name,
        set_headers: forward.set_headers.clone(),
        hide_headers: forward.hide_headers.clone(),
        pass_headers: forward.pass_headers.clone(),
        method: forward.method.clone(),
        set_body: forward.set_body.clone(),
        pass_request_headers: forward.pass_request_headers.unwrap_or(true),
        pass_request_body: forward.pass_request_body.unwrap_or(true),
        intercept_errors: forward.intercept_errors.unwrap_or(false),
        ignore_client_abort: forward.ignore_client_abort.unwrap_or(false),
        pass_trailers: forward.pass_trailers.unwrap_or(false),
        buffering: proxy.buffering.unwrap_or(true),
        buffers: proxy.buffers_or_default(),
    })
}

/// Destination and, if there are variables in it, the URI to evaluate. The destination itself has
/// none: a `$` right behind it must be a variable that is a URI.
fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    let Some(dollar) = text.find('$') else {
        return Ok((text, None));
    };
    let start = text.find("://").map_or(0, |at| at + 3);
    let slash = text[start..dollar.max(start)]
        .find('/')
        .map(|at| start + at);
    let uri = &text[slash.unwrap_or(dollar)..];
    let is_uri = ["$request_uri", "${request_uri}", "$uri", "${uri}"]
        .iter()
        .any(|name| uri.starts_with(name));
    match slash.is_some() || (is_uri && dollar > start) {
        true => Ok((&text[..text.len() - uri.len()], Some(uri))),
        false => Err("variables in the destination of \"proxy_pass\" are not supported".into()),
    }
}

/// How a destination is spoken to over TLS, if it is, and the name it is asked for where that follows
/// the request.
fn tls(
    d: &Directive,
    pass: &PassUrl,
    (prefix, ssl): (&str, &SslLevel),
    shared: &mut Shared,
) -> Option<(Option<Tls>, Option<Template>)> {
    if !pass.scheme.is_secure() {
        return Some((None, None));
    }
    let said = ssl.finish(prefix, pass, d, &shared.base, &mut shared.problems)?;
    Some((Some(shared.client(&said)?), said.follows))
}

/// The index of the upstream block or, for an address, of a group of its own; the same address is
/// the same group wherever it is written.
fn group(d: &Directive, pass: &PassUrl, shared: &mut Shared) -> Option<usize> {
    let name = pass.address.host.to_ascii_lowercase();
    if shared.broken_groups.contains(&name) {
        return None;
    }
    let (blocks, made) = shared.groups.split_at(shared.blocks);
    match pass.find(blocks) {
        Err(message) => {
            shared.problems.push(d.place(0), message);
            None
        }
        Ok(Some(index)) => Some(index),
        Ok(None) => {
            let group = pass.group();
            if let Some(index) = made.iter().position(|other| other.name == group.name) {
                return Some(shared.blocks + index);
            }
            if !resolves(&pass.address) {
                let message = format!("host not found in upstream \"{}\"", pass.address.host);
                shared.problems.push(d.place(0), message);
                return None;
            }
            shared.groups.push(group);
            Some(shared.groups.len() - 1)
        }
    }
}

/// `default`, also where nothing is said: the destination's URL turns back into the location.
fn redirects(rules: Option<&[Rule]>, url: &str, uri: &PassUri, prefix: &str) -> Vec<Redirect> {
    let default = || {
        let (from, to) = match uri {
            PassUri::Evaluate(_) => return None,
            PassUri::Same => (format!("{url}/"), "/"),
            PassUri::Replace(_) => (url.to_owned(), prefix),
        };
        Some(Redirect {
            from: RedirectFrom::Prefix(Template::literal(from)),
            to: Template::literal(to),
        })
    };
    match rules {
        None => default().into_iter().collect(),
        Some(rules) => rules
            .iter()
            .filter_map(|rule| match rule {
                Rule::Default => default(),
                Rule::Own(redirect) => Some(redirect.clone()),
            })
            .collect(),
    }
}
