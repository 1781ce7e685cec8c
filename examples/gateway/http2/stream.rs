//! One stream: a request as the rest of the gateway knows it, and its answer.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};

use super::send;
use crate::body::Reply;
use crate::client::Client;
use crate::clock;
use crate::handle::handle;
use crate::incoming::{Incoming, Received};

/// Serves the request of a stream.
pub async fn serve(
    client: Arc<Client>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let (mut parts, body) = request.into_parts();
    let head_only = parts.method == Method::HEAD;
    let Some(length) = length(&parts.headers) else {
        return respond.send_reset(Reason::PROTOCOL_ERROR);
    };
    client.has_moved(size(&parts));
    as_http1(&mut parts);
    let body = Incoming::Http2(Received::new(body, length));
    let answer = {
        let mut answer = pin!(handle(client, Request::from_parts(parts, body)));
        poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // The client has taken its request back, or is gone.
            Poll::Pending => respond.poll_reset(cx).map(|_| None),
        })
        .await
    };
    match answer {
        None => {}
        // NGINX's word for a client it does not want to hear of again, or that took too long.
        Some(Err(_)) => respond.send_reset(Reason::PROTOCOL_ERROR),
        Some(Ok(response)) => answer_with(response, head_only, respond).await,
    }
}

/// The bytes of a head, as they would be without compression.
fn size(parts: &request::Parts) -> usize {
    let lines = parts.headers.iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len());
    let target = parts.uri.path_and_query();
    target.map_or(0, |target| target.as_str().len()) + lines.sum::<usize>()
}

/// `Some(None)` if there is none; nothing if it makes no sense.
fn length(headers: &HeaderMap) -> Option<Option<u64>> {
    match headers.get(header::CONTENT_LENGTH) {
        None => Some(None),
        Some(value) => value.to_str().ok()?.parse().ok().map(Some),
    }
}

/// What a request says in HTTP/2's own way, said in HTTP/1's.
fn as_http1(parts: &mut request::Parts) {
    let headers = &mut parts.headers;
    if let Some(authority) = parts.uri.authority() {
        // Beside one that is there already: two are one too many, as in NGINX.
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            headers.append(header::HOST, host);
        }
    }
    // A cookie may come in crumbs (RFC 9113, 8.2.3).
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if let (Some(first), Some(second)) = (cookies.next(), cookies.next()) {
        let rest = cookies.map(HeaderValue::as_bytes);
        let crumbs = [first.as_bytes(), second.as_bytes()]
            .into_iter()
            .chain(rest);
        let whole = crumbs.collect::<Vec<_>>().join(&b"; "[..]);
        // Parts of header values joined by these two characters make a header value.
        if let Ok(whole) = HeaderValue::from_maybe_shared(Bytes::from(whole)) {
            headers.insert(header::COOKIE, whole);
        }
    }
}

async fn answer_with(response: Response<Reply>, head_only: bool, mut respond: SendResponse<Bytes>) {
    let (mut parts, reply) = response.into_parts();
    clean(&mut parts.headers);
    if parts.status == StatusCode::NO_CONTENT {
        // Nothing has no length and is of no type.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
    }
    if let Some(date) = clock::http_date() {
        parts.headers.entry(header::DATE).or_insert(date);
    }
    let mut head = Response::new(());
    *head.status_mut() = parts.status;
    *head.headers_mut() = parts.headers;
    let ends = head_only || reply.is_nothing();
    match respond.send_response(head, ends) {
        Ok(_) if ends => {}
        Ok(stream) => send::all(reply, stream).await,
        // The stream has ended, or a head that cannot be sent leaves no other way.
        Err(_) => respond.send_reset(Reason::INTERNAL_ERROR),
    }
}

/// Takes out what is about one connection of HTTP/1, and would end a stream.
pub(super) fn clean(headers: &mut HeaderMap) {
    const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    for name in [
        header::CONNECTION,
        header::TE,
        header::UPGRADE,
        header::TRANSFER_ENCODING,
        PROXY_CONNECTION,
        KEEP_ALIVE,
    ] {
        headers.remove(name);
    }
}
