use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Uri, Version};

/// The host as HTTP/2 has it, if it can be said there.
pub(super) fn authority(headers: &HeaderMap) -> Option<Authority> {
    Authority::try_from(headers.get(HOST)?.as_bytes()).ok()
}

/// A head as HTTP/2 has it: the host is the authority, and what concerns one HTTP/1 connection alone
/// is left out (RFC 9113, 8.2.2).
pub(super) fn to_http2<B>(request: &mut Request<B>, secure: bool) {
    *request.version_mut() = Version::HTTP_2;
    let authority = authority(request.headers());
    request.headers_mut().remove(HOST);
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let scheme = if secure { Scheme::HTTPS } else { Scheme::HTTP };
    let mut uri = Uri::builder().scheme(scheme).path_and_query(path);
    if let Some(authority) = authority {
        uri = uri.authority(authority);
    }
    if let Ok(uri) = uri.build() {
        *request.uri_mut() = uri;
    }
    let headers = request.headers_mut();
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    let hop_by_hop = [
        CONNECTION,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("http2-settings"),
    ];
    for name in hop_by_hop {
        headers.remove(name);
    }
    // Of what may be said there, HTTP/2 allows one word.
    let te = headers.remove(TE);
    let trailers = |te: HeaderValue| te.to_str().is_ok_and(|te| te.contains("trailers"));
    if te.is_some_and(trailers) {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_one_connection_is_left_out() {
        let mut request = Request::post("/a?b")
            .header("host", "orders:80")
            .header("connection", "close, x-mine")
            .header("x-mine", "1")
            .header("keep-alive", "timeout=5")
            .header("transfer-encoding", "chunked")
            .header("te", "gzip, trailers")
            .header("x-other", "2")
            .body(())
            .unwrap();
        to_http2(&mut request, false);
        assert_eq!(request.uri(), "http://orders:80/a?b");
        let left: Vec<_> = request.headers().iter().collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.headers()["x-other"], "2");
    }
}
