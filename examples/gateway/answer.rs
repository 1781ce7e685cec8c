//! What a client is told: a page, a text, an address, or what a peer said.

use hyper::ext::ReasonPhrase;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode, Version};
use tower_upstream::ResponseBody;

use crate::body::{Content, Reply};
use crate::exchange::Exchange;
use crate::forward::Source;
use crate::handle::{Closed, limited};
use crate::pages;
use crate::respond;
use crate::text;

/// What a client is told.
#[derive(Debug)]
pub enum Answer {
    /// The page of a status.
    Page(u16),
    /// A text.
    Text(u16, String),
    /// To go elsewhere.
    Redirect(u16, String),
    /// What a peer said.
    Peer(Box<Response<ResponseBody>>),
    /// Nothing: the connection closes, and this is logged.
    Close(u16),
}

const HTML: HeaderValue = HeaderValue::from_static("text/html");

/// Turns an answer into the response hyper sends.
pub fn finish(
    mut x: Box<Exchange>,
    answer: Answer,
    source: Source,
) -> Result<Response<Reply>, Closed> {
    let (status, mut headers, text) = match answer {
        Answer::Close(status) => {
            x.status = status;
            return Err(Closed);
        }
        Answer::Peer(response) => return respond::peer(x, *response),
        Answer::Page(status) => {
            let page = pages::page(status);
            let mut headers = HeaderMap::new();
            match page {
                Some(_) => {
                    headers.insert(header::CONTENT_TYPE, HTML);
                }
                None if status < 400 && status != 204 => default_type(&x, &mut headers),
                None => {}
            }
            (status, headers, page.unwrap_or_default())
        }
        Answer::Text(status, text) => {
            let mut headers = HeaderMap::new();
            default_type(&x, &mut headers);
            (status, headers, text::into_bytes(text))
        }
        Answer::Redirect(status, to) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HTML);
            let to = absolute(&x, to);
            let Ok(to) = HeaderValue::from_maybe_shared(text::into_bytes(to)) else {
                return finish(x, Answer::Page(500), source);
            };
            headers.insert(header::LOCATION, to);
            (status, headers, pages::page(status).unwrap_or_default())
        }
    };
    let close = pages::closes(status);
    if let Some(body) = source.into_client_body() {
        match close {
            _ if x.version == Version::HTTP_2 => {}
            true => x.client.wire().linger = true,
            // What nobody wants must still be read, or it would be taken for the next head.
            false => {
                x.client.wire().discarding = true;
                drop(tokio::spawn(limited(&x, body).discard()));
            }
        }
    }
    let shown = x.shown_status.unwrap_or(status);
    x.status = pages::shown(shown);
    if x.status != 204 {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    }
    let content = match x.status {
        204 => Content::Empty,
        304 => Content::EmptyOfSomeLength,
        _ => Content::Full(text),
    };
    let version = respond::common(&mut x, &mut headers, close);
    let code = StatusCode::from_u16(x.status).map_err(|_| Closed)?;
    let status = x.status;
    let mut response = Response::new(Reply::new(content, x, false));
    *response.status_mut() = code;
    *response.version_mut() = version;
    *response.headers_mut() = headers;
    set_reason(&mut response, status);
    Ok(response)
}

/// What a text of ours is, unless the file says that nobody is to know.
fn default_type(x: &Exchange, headers: &mut HeaderMap) {
    if let Some(kind) = x.at().default_type.clone() {
        headers.insert(header::CONTENT_TYPE, kind);
    }
}

/// NGINX's words for a status line, where they are not today's.
pub fn set_reason(response: &mut Response<Reply>, status: u16) {
    if let Some(reason) = pages::reason(status) {
        response
            .extensions_mut()
            .insert(ReasonPhrase::from_static(reason.as_bytes()));
    }
}

/// An address with scheme and host, as seen by the client.
pub fn absolute(x: &Exchange, to: String) -> String {
    if !to.starts_with('/') {
        return to;
    }
    let local = x.client.local;
    let host = match (&x.host, local) {
        (Some(host), _) => host.clone(),
        (None, Some(address)) if address.is_ipv6() => format!("[{}]", address.ip()),
        (None, Some(address)) => address.ip().to_string(),
        (None, None) => return to,
    };
    let (scheme, usual) = match x.client.cover.is_tls() {
        true => ("https", 443),
        false => ("http", 80),
    };
    match local.map(|address| address.port()) {
        Some(port) if port != usual => format!("{scheme}://{host}:{port}{to}"),
        _ => format!("{scheme}://{host}{to}"),
    }
}
