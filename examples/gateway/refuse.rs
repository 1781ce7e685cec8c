//! Heads that are no requests: hyper answers them with an empty page before we see them, and this
//! puts NGINX's in its place.

use std::fmt::Write as _;
use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Uri, Version};

use crate::client::Client;
use crate::exchange::{Exchange, Head};
use crate::pages::{self, HEAD_TOO_LARGE};

/// Whether `written` is an answer that hyper made on its own. Nobody else begins one where this is
/// asked.
pub fn is_automatic(written: &[u8]) -> bool {
    written.starts_with(b"HTTP/1.1 4") && written.ends_with(b"\r\n\r\n")
}

/// The answer to what cannot be a request, which it logs.
pub fn refuse(client: &Arc<Client>, raw: &[u8], automatic: &[u8]) -> Vec<u8> {
    let limit = client.worker.line_limit(client.listen);
    let line = first_line(raw);
    let status = match &automatic[9..12] {
        b"414" => 414,
        b"431" if line.len() > limit => 414,
        b"431" => HEAD_TOO_LARGE,
        _ if bad_version(line) => 505,
        _ if unknown_coding(raw) => 501,
        _ => 400,
    };
    answer(client, line, status)
}

fn answer(client: &Arc<Client>, line: &[u8], status: u16) -> Vec<u8> {
    let page = pages::page(status).unwrap_or_default();
    let code = pages::shown(status);
    let standard = hyper::StatusCode::from_u16(code).ok();
    let standard = standard.and_then(|code| code.canonical_reason());
    let reason = pages::reason(code).or(standard).unwrap_or("");
    let mut head = format!("HTTP/1.1 {code} {reason}\r\nServer: {}\r\n", pages::SERVER);
    // Writing to a String cannot fail.
    let _ = write!(
        head,
        "Date: {}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        httpdate::fmt_http_date(std::time::SystemTime::now()),
        page.len()
    );
    log(client, line, status, page.len());
    [head.as_bytes(), &page].concat()
}

/// The answer to a client that speaks HTTP/2 where nobody does, which it logs.
pub fn preface(client: &Arc<Client>) -> Vec<u8> {
    answer(client, b"PRI * HTTP/2.0", 400)
}

/// The first line with anything in it.
fn first_line(raw: &[u8]) -> &[u8] {
    let mut lines = raw
        .split(|&b| b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.find(|line| !line.is_empty()).unwrap_or(b"")
}

fn bad_version(line: &[u8]) -> bool {
    let version = line.rsplit(|&b| b == b' ').next().unwrap_or(b"");
    let digit = version.strip_prefix(b"HTTP/").and_then(|v| v.first());
    digit.is_some_and(|d| d.is_ascii_digit() && *d > b'1')
}

/// Whether the body is coded in a way that neither we nor hyper know.
fn unknown_coding(head: &[u8]) -> bool {
    let mut lines = head.split(|&b| b == b'\n');
    lines.any(|line| {
        let mut halves = line.splitn(2, |&b| b == b':');
        let name = halves.next().unwrap_or(b"");
        let value = halves.next().unwrap_or(b"").trim_ascii();
        name.eq_ignore_ascii_case(b"transfer-encoding") && !value.eq_ignore_ascii_case(b"chunked")
    })
}

fn log(client: &Arc<Client>, line: &[u8], status: u16, sent: usize) {
    let head = unknown_head(client);
    let mut exchange = Exchange::new(Arc::clone(client), head);
    exchange.line = Some(String::from_utf8_lossy(line).into_owned());
    exchange.status = status;
    exchange.sent = sent as u64;
}

/// A head of which nothing is known.
fn unknown_head(client: &Client) -> Head {
    let (started, serial) = client.begin_request(false);
    Head {
        started,
        serial,
        method: Method::GET,
        uri: Uri::default(),
        version: Version::HTTP_11,
        headers: HeaderMap::new(),
    }
}

/// Logs a client that did not finish its head in time. It gets no answer.
pub fn head_timed_out(client: &Arc<Client>) {
    let raw = client.wire().rest_of_raw().to_vec();
    log(client, first_line(&raw), 408, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_past_one_are_not_ours() {
        assert!(bad_version(b"GET / HTTP/2.0"));
        assert!(!bad_version(b"GET / HTTP/1.2"));
        assert!(!bad_version(b"garbage"));
    }

    #[test]
    fn chunked_is_the_one_coding_known() {
        let head = |coding| format!("GET / HTTP/1.1\r\nTRANSFER-encoding:{coding}\r\n\r\n");
        assert!(unknown_coding(head(" gzip").as_bytes()));
        assert!(!unknown_coding(head(" Chunked ").as_bytes()));
        assert!(!unknown_coding(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
}
