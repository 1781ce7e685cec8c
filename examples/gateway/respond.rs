//! A peer's response as its client gets it, and what every response of ours has.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode, Version};
use tower_upstream::ResponseBody;
use tower_upstream::connect::Spelling;

use crate::answer::set_reason;
use crate::body::{Content, Reply};
use crate::exchange::Exchange;
use crate::handle::Closed;
use crate::pages;
use crate::plan::Forward;
use crate::redirect;
use crate::sticky;
use crate::text;
use crate::trailers::Due;
use crate::tunnel::Tunnel;
use crate::variables::eval;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Passes on what a peer said.
pub fn peer(
    mut x: Box<Exchange>,
    response: Response<ResponseBody>,
) -> Result<Response<Reply>, Closed> {
    let worker = std::sync::Arc::clone(&x.client.worker);
    let forward = x
        .proxied
        .and_then(|place| worker.plan.places[place].forward.as_ref());
    let Some(forward) = forward else {
        return Err(Closed);
    };
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return switch(x, forward, response);
    }
    let (mut parts, body) = response.into_parts();
    let peers = parts.version;
    let headers = &mut parts.headers;
    clean(headers, forward);
    redirect::rewrite(headers, &forward.pass.redirects, &x);
    x.status = x.shown_status.unwrap_or(status.as_u16());
    let content = if hyper::body::Body::is_end_stream(&body) {
        match headers.contains_key(header::CONTENT_LENGTH) && x.method != hyper::Method::HEAD {
            true => Content::EmptyOfSomeLength,
            false => Content::Empty,
        }
    } else {
        Content::Peer(body)
    };
    let content = match content {
        // A zero needs no saying twice, and anything else of no body is a 304's.
        Content::EmptyOfSomeLength if status != StatusCode::NOT_MODIFIED => Content::Empty,
        content => content,
    };
    if forward.pass.scheme.is_grpc()
        && matches!(content, Content::Empty)
        && has_body(&x.method, status)
    {
        // NGINX knows the length of what ended with its head.
        let length = headers.entry(header::CONTENT_LENGTH);
        length.or_insert(HeaderValue::from_static("0"));
    }
    let unsized_body = x.method != hyper::Method::HEAD
        && matches!(content, Content::Peer(_))
        && !headers.contains_key(header::CONTENT_LENGTH);
    x.chunked = unsized_body && x.version == Version::HTTP_11;
    // HTTP/1.0 knows no other end of such a body.
    let by_closing = unsized_body && x.version == Version::HTTP_10;
    parts.version = common(&mut x, headers, by_closing);
    let shown = x.shown_status;
    let to_the_end = forward.pass.ignore_client_abort;
    let mut response = Response::from_parts(parts, Reply::new(content, x, to_the_end));
    if let Some(status) = shown {
        *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Closed)?;
        response
            .extensions_mut()
            .remove::<hyper::ext::ReasonPhrase>();
        set_reason(&mut response, status);
    } else if peers == Version::HTTP_2 {
        // It has no words for a status; HTTP/1 wants some.
        set_reason(&mut response, status.as_u16());
    }
    Ok(response)
}

/// Whether there could be one, be it of no bytes.
fn has_body(method: &hyper::Method, status: StatusCode) -> bool {
    *method != hyper::Method::HEAD
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Removes what a client must not see (RS-6).
fn clean(headers: &mut HeaderMap, forward: &Forward) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let hidden = |name: &&HeaderName| {
        is_hop(name)
            || (is_internal(name) && !forward.show.contains(name))
            || forward.hide.contains(name)
    };
    while let Some(name) = headers.keys().find(hidden).cloned() {
        headers.remove(name);
    }
}

/// Headers of one connection.
pub fn is_hop(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::TRANSFER_ENCODING) || *name == KEEP_ALIVE
}

/// Headers between a peer and its proxy, unless they are shown on purpose.
fn is_internal(name: &HeaderName) -> bool {
    matches!(*name, header::DATE | header::SERVER)
        || name.as_str().strip_prefix("x-").is_some_and(|rest| {
            matches!(
                rest,
                "pad"
                    | "accel-expires"
                    | "accel-redirect"
                    | "accel-limit-rate"
                    | "accel-buffering"
                    | "accel-charset"
            )
        })
}

/// Adds what every response has: who we are, what becomes of the connection, `add_header`s. The
/// status of `x` is that of the response. Returns the version that makes hyper do so: in 1.1 it
/// would keep the connection of a 1.0 client who asked for it.
pub fn common(x: &mut Exchange, headers: &mut HeaderMap, close: bool) -> Version {
    if !headers.contains_key(header::SERVER) {
        headers.insert(header::SERVER, HeaderValue::from_static(pages::SERVER));
    }
    let location = &x.at().location;
    let keep = !close
        && x.wants_keepalive
        && !location.keepalive_timeout.is_zero()
        && x.serial < location.keepalive_requests
        && !x.client.is_leaving();
    let http2 = x.version == Version::HTTP_2;
    if http2 && !keep && !close {
        x.client.leave();
    }
    if x.status != 101 && !http2 {
        let value = if keep { "keep-alive" } else { "close" };
        headers.insert(header::CONNECTION, HeaderValue::from_static(value));
    }
    if let Some(timeout) = location.keepalive_header.filter(|_| keep && !http2) {
        if let Ok(value) = HeaderValue::from_str(&format!("timeout={}", timeout.as_secs())) {
            headers.insert(KEEP_ALIVE, value);
        }
    }
    if x.version == Version::HTTP_11 && Due::of(x).own {
        headers.remove(header::CONTENT_LENGTH);
        x.chunked = true;
    }
    sticky::put_cookies(&x.sticky_cookies, headers);
    add_headers(x, headers);
    let mut spelling = x.at().spelling.clone();
    if let Some(challenge) = x.challenge.take() {
        headers.append(header::WWW_AUTHENTICATE, challenge);
        let names = x.at().location.add_headers.iter().map(|h| h.name.as_str());
        spelling = Spelling::new(names.chain(["WWW-Authenticate"]));
    }
    if !http2 && (x.version == Version::HTTP_10 || !spelling.is_usual()) {
        let mut wire = x.client.wire();
        wire.old = x.version == Version::HTTP_10;
        wire.spelling = spelling;
    }
    if x.plan().wants_sent {
        x.sent_headers = Some(headers.clone());
    }
    match keep {
        true => Version::HTTP_11,
        false => x.version,
    }
}

/// Statuses that headers and trailers are added to unless they say `always`.
pub fn is_usual(status: u16) -> bool {
    matches!(
        status,
        200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
    )
}

fn add_headers(x: &Exchange, headers: &mut HeaderMap) {
    let usual = is_usual(x.status);
    for (name, template, always) in &x.at().add_headers {
        if !usual && !always {
            continue;
        }
        let text = eval(template, x);
        let replaces = *name == header::LAST_MODIFIED || *name == header::ETAG;
        if replaces {
            headers.remove(name);
        }
        if text.is_empty() {
            continue;
        }
        if let Ok(value) = HeaderValue::from_maybe_shared(text::into_bytes(text)) {
            headers.append(name.clone(), value);
        }
    }
}

/// Turns a 101 into a tunnel.
fn switch(
    mut x: Box<Exchange>,
    forward: &Forward,
    mut response: Response<ResponseBody>,
) -> Result<Response<Reply>, Closed> {
    if !x.wants_upgrade {
        // Nothing the client could make sense of.
        return crate::answer::finish(
            x,
            crate::answer::Answer::Page(502),
            crate::forward::Source::none(),
        );
    }
    let peer = hyper::upgrade::on(&mut response);
    let (mut parts, _) = response.into_parts();
    clean(&mut parts.headers, forward);
    x.status = 101;
    common(&mut x, &mut parts.headers, false);
    parts
        .headers
        .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    let client = std::sync::Arc::clone(&x.client);
    client.wire().tunnel = Some(Tunnel {
        peer,
        read_timeout: forward.pass.proxy.read_timeout,
        send_timeout: forward.pass.proxy.send_timeout,
        exchange: x,
    });
    Ok(Response::from_parts(parts, Reply::nothing()))
}
