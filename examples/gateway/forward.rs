//! A client's request as its peer gets it.

use std::net::Ipv4Addr;

use bytes::Bytes;
use hyper::body::Body as _;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::Extensions;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Uri, Version};
use tower_upstream::balance::{Affinity, Key, Route};
use tower_upstream::nginx::{Lookups, tls_name};
use tower_upstream::{ConfigError, ErrorKind, RequestBuffering, Trail, Upstream};

use crate::answer::Answer;
use crate::body::{GONE, PeerBody};
use crate::config::{Level, PassUri};
use crate::exchange::Exchange;
use crate::handle::limited;
use crate::incoming::Incoming;
use crate::log::error;
use crate::plan::{Forward, Keep, SetHeader, SetTo};
use crate::route::escape_into;
use crate::sticky;
use crate::text;
use crate::variables::eval;

/// Bytes of a body held in memory where NGINX would spill to disk and the configuration sets no
/// limit (`client_max_body_size 0`).
pub const MOST_HELD: usize = 64 * 1024 * 1024;

/// What came with a request besides its head.
#[derive(Debug)]
pub struct Source {
    /// hyper's, the names as the client wrote them among it.
    extensions: Extensions,
    body: Held,
}

/// The body, as far as it is still there.
#[derive(Debug)]
enum Held {
    Client(Incoming),
    /// Read, and kept for whoever is asked next.
    Whole(Bytes),
    /// Sent on, or none.
    Gone,
}

impl Source {
    /// What came with a request.
    pub fn new(extensions: Extensions, body: Incoming) -> Self {
        let body = match body.is_end_stream() {
            true => Held::Gone,
            false => Held::Client(body),
        };
        Self { extensions, body }
    }

    /// Nothing.
    pub fn none() -> Self {
        Self {
            extensions: Extensions::new(),
            body: Held::Gone,
        }
    }

    /// The body, if it has not been touched.
    pub fn into_client_body(self) -> Option<Incoming> {
        match self.body {
            Held::Client(body) => Some(body),
            _ => None,
        }
    }

    /// The body, while it has not been touched.
    pub fn client_body(&self) -> Option<&Incoming> {
        match &self.body {
            Held::Client(body) => Some(body),
            _ => None,
        }
    }
}

/// Sends an exchange on and waits for the head of the answer.
pub async fn forward(x: &mut Exchange, source: &mut Source) -> Answer {
    let place = x.place;
    let worker = std::sync::Arc::clone(&x.client.worker);
    let (Some(forward), Some(upstream)) =
        (x_forward(&worker.plan, place), &worker.upstreams[place])
    else {
        return Answer::Page(500);
    };
    x.proxied = Some(place);
    let named = match named(x, forward) {
        Ok(named) => named,
        Err(why) => {
            error::about(x, Level::Error, format_args!("{why}"));
            return Answer::Page(502);
        }
    };
    let upstream = named.as_ref().unwrap_or(upstream);
    let body = match body(x, forward, source).await {
        Ok(body) => body,
        Err(408) => return Answer::Close(408),
        Err(GONE) => return gone(x),
        Err(status) => return refused(x, status),
    };
    let verdict = match &body {
        PeerBody::Client(body) => Some(body.verdict()),
        _ => None,
    };
    let affinity = affinity(x, &forward.pass.lookups);
    let visit = sticky::visit(x, upstream.group());
    let Some(mut request) = head(x, forward, body) else {
        return Answer::Page(500);
    };
    let trail = Trail::new();
    x.trails.push(trail.clone());
    x.reported = 0;
    x.received_headers = None;
    x.sent_uri = Some(request.uri().clone());
    *request.extensions_mut() = match worker.plan.places[place].keep {
        Keep::All => source.extensions.clone(),
        Keep::Some(_) => std::mem::take(&mut source.extensions),
    };
    request.extensions_mut().insert(trail);
    if let Some(affinity) = affinity {
        request.extensions_mut().insert(affinity);
    }
    if let Some(visit) = visit {
        request.extensions_mut().insert(visit);
    }
    if !forward.spelling.is_usual() {
        request.extensions_mut().insert(forward.spelling.clone());
    }
    match upstream.send(request).await {
        Ok(mut response) => {
            let cookie = sticky::take_cookie(upstream.group(), response.headers_mut());
            x.sticky_cookies.extend(cookie);
            if worker.plan.wants_received {
                x.received_headers = Some(response.headers().clone());
            }
            Answer::Peer(Box::new(response))
        }
        Err(problem) => {
            error::report_attempts(x);
            match verdict.and_then(|verdict| verdict.status()) {
                Some(408) => Answer::Close(408),
                Some(GONE) => gone(x),
                Some(status) => refused(x, status),
                None if problem.kind() == ErrorKind::BodyTooLarge => Answer::Page(413),
                None => Answer::Page(problem.status().as_u16()),
            }
        }
    }
}

/// The way to servers that are asked for a name which follows the request, if they are.
fn named(x: &Exchange, forward: &Forward) -> Result<Option<Upstream>, ConfigError> {
    let ways = x.worker().by_name.get(&x.place);
    let Some((ways, name)) = ways.zip(forward.pass.tls_name.as_ref()) else {
        return Ok(None);
    };
    ways.way(tls_name(&eval(name, x))).map(Some)
}

/// What is said of a body that cannot be taken.
fn refused(x: &Exchange, status: u16) -> Answer {
    if status == 413 {
        let message = format_args!("client intended to send too large chunked body");
        error::about(x, Level::Error, message);
    }
    Answer::Page(status)
}

/// What is logged of a client that went within its body: of a connection it was a bad request, a stream
/// can be taken back.
fn gone(x: &Exchange) -> Answer {
    Answer::Close(match x.version {
        Version::HTTP_2 => 499,
        _ => 400,
    })
}

fn x_forward(plan: &crate::plan::Plan, place: usize) -> Option<&Forward> {
    plan.places[place].forward.as_ref()
}

/// The body a peer gets.
async fn body(x: &Exchange, forward: &Forward, source: &mut Source) -> Result<PeerBody, u16> {
    if let Some(template) = &forward.pass.set_body {
        return Ok(PeerBody::Full(text::into_bytes(eval(template, x))));
    }
    if !forward.pass.pass_request_body {
        return Ok(PeerBody::Empty);
    }
    let body = match std::mem::replace(&mut source.body, Held::Gone) {
        Held::Gone => return Ok(PeerBody::Empty),
        Held::Whole(bytes) => {
            source.body = Held::Whole(bytes.clone());
            return Ok(PeerBody::Full(bytes));
        }
        Held::Client(body) => limited(x, body),
    };
    let buffered = matches!(
        forward.pass.proxy.request_buffering,
        RequestBuffering::On { .. }
    );
    // Another place may want it too; and a peer of old cannot take it in chunks (NU-14).
    let again = buffered && !x.at().location.error_pages.is_empty();
    let chunked = body.length().is_none() && forward.pass.version == Version::HTTP_10 && !buffered;
    if !again && !chunked {
        return Ok(PeerBody::Client(Box::new(body)));
    }
    let limit = match x.at().location.client_max_body_size {
        0 => MOST_HELD as u64,
        limit => limit,
    };
    let bytes = body.collect(limit).await?;
    if again {
        source.body = Held::Whole(bytes.clone());
    }
    Ok(PeerBody::Full(bytes))
}

/// Where the request belongs, if its group asks.
fn affinity(x: &Exchange, lookups: &Lookups) -> Option<Affinity> {
    if lookups.is_empty() {
        return None;
    }
    let key = lookups.key.as_ref();
    let mut routes = lookups.routes.iter().map(|route| eval(route, x));
    // A client behind `unix:` counts as three zero bytes, and so does this address (IP-1).
    let client = || x.remote().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    Some(Affinity {
        key: key.and_then(|key| Key::new(text::into_bytes(eval(key, x)))),
        route: routes
            .find(|route| !route.is_empty())
            .and_then(|route| Route::new(&route)),
        client: lookups.client.then(client),
    })
}

/// The head a peer gets, on `body`.
fn head(x: &mut Exchange, forward: &Forward, body: PeerBody) -> Option<Request<PeerBody>> {
    let uri = target(x, forward)?;
    let method = match &forward.pass.method {
        Some(template) => Method::from_bytes(eval(template, x).as_bytes()).ok()?,
        None => x.method.clone(),
    };
    let headers = headers(x, forward);
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    *request.version_mut() = forward.pass.version;
    Some(request)
}

/// The target a peer gets: the client's own unless the location gives way to something else.
fn target(x: &Exchange, forward: &Forward) -> Option<Uri> {
    let text = match &forward.pass.uri {
        PassUri::Same if !x.redirected => {
            return match x.uri.scheme() {
                None => Some(x.uri.clone()),
                Some(_) => x.uri.path_and_query().cloned().map(Uri::from),
            };
        }
        PassUri::Evaluate(template) => eval(template, x),
        PassUri::Same => with_args(x, String::new(), x.path()),
        PassUri::Replace(base) => {
            let rest = x.path().get(forward.matched..).unwrap_or(b"");
            with_args(x, base.clone(), rest)
        }
    };
    let target = PathAndQuery::from_maybe_shared(text::into_bytes(text)).ok()?;
    Some(Uri::from(target))
}

fn with_args(x: &Exchange, mut text: String, path: &[u8]) -> String {
    match std::str::from_utf8(path) {
        Ok(plain) if !x.quoted && !x.redirected => text.push_str(plain),
        _ => escape_into(path, &mut text),
    }
    if let Some(args) = x.args().filter(|args| !args.is_empty()) {
        text.push('?');
        text.push_str(args);
    }
    text
}

/// Removed from every request (HD-1). Lengths are the crate's business.
fn is_not_passed(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRANSFER_ENCODING
            | header::EXPECT
            | header::UPGRADE
    ) || name.as_str() == "keep-alive"
}

/// Of `TE`, NGINX tells a gRPC server so much.
fn wants_trailers(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(header::TE).iter();
    said.any(|te| {
        te.as_bytes()
            .to_ascii_lowercase()
            .windows(8)
            .any(|word| word == b"trailers")
    })
}

fn headers(x: &mut Exchange, forward: &Forward) -> HeaderMap {
    // What they are set to may depend on headers that are about to go.
    let evaluated: Vec<Option<HeaderValue>> = forward
        .set
        .iter()
        .filter_map(|set| match &set.to {
            SetTo::Evaluated(template) => Some(value(eval(template, x))),
            SetTo::Fixed(_) => None,
        })
        .collect();
    let mut evaluated = evaluated.into_iter();
    let mut headers = take_headers(x, forward);
    let trailers = forward.pass.scheme.is_grpc() && wants_trailers(&headers);
    while let Some(name) = headers.keys().find(|name| is_not_passed(name)).cloned() {
        headers.remove(name);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    for SetHeader { name, to, again } in &forward.set {
        let value = match to {
            SetTo::Fixed(value) => value.clone(),
            SetTo::Evaluated(_) => evaluated.next().flatten(),
        };
        match value {
            _ if *name == header::CONTENT_LENGTH || *name == header::TRANSFER_ENCODING => {}
            Some(value) if *again => {
                headers.append(name.clone(), value);
            }
            Some(value) => {
                headers.insert(name.clone(), value);
            }
            None if *again => {}
            None => {
                headers.remove(name);
            }
        }
    }
    headers
}

fn value(text: String) -> Option<HeaderValue> {
    let bytes = text::into_bytes(text);
    if bytes.is_empty() {
        return None;
    }
    HeaderValue::from_maybe_shared(bytes).ok()
}

/// The client's headers, moved unless somebody will ask for them again.
fn take_headers(x: &mut Exchange, forward: &Forward) -> HeaderMap {
    if !forward.pass.pass_request_headers {
        return HeaderMap::new();
    }
    let keep = match &x.at().keep {
        Keep::All => return x.headers.clone(),
        Keep::Some(names) => {
            let mut kept = HeaderMap::new();
            for name in names {
                for value in x.headers.get_all(name) {
                    kept.append(name.clone(), value.clone());
                }
            }
            kept
        }
    };
    std::mem::replace(&mut x.headers, keep)
}
