//! Where a request belongs, to groups that stick.

use hyper::Uri;
use hyper::header::{HOST, HeaderMap, HeaderValue, SET_COOKIE};
use hyper::http::uri::PathAndQuery;
use tower_upstream::nginx::Variables;
use tower_upstream::{Group, Sticky, Visit};

use crate::exchange::Exchange;
use crate::text;

/// What an exchange says of it before its headers and its target are changed.
pub fn visit(x: &Exchange, group: &Group) -> Option<Visit> {
    group.config().sticky.as_ref()?;
    let unchanged = x.args.is_none() && x.uri.authority().is_none() && x.host.is_some();
    if unchanged {
        return group.visit(&x.uri, &x.headers);
    }
    // `$arg_NAME` is what an error page's target says, and `$host` has other sources than `Host`.
    let target = format!("/?{}", x.args().unwrap_or_default());
    let target = PathAndQuery::from_maybe_shared(text::into_bytes(target));
    let uri = target.map_or_else(|_| x.uri.clone(), Uri::from);
    let mut host = String::new();
    x.append("host", &mut host);
    let mut headers = x.headers.clone();
    headers.remove(HOST);
    if let Ok(host) = HeaderValue::from_maybe_shared(text::into_bytes(host)) {
        headers.insert(HOST, host);
    }
    group.visit(&uri, &headers)
}

/// Takes our cookie out of a peer's answer, where it is the first: it is none of the peer's headers,
/// so nothing hides it and `$upstream_*` does not show it.
pub fn take_cookie(group: &Group, headers: &mut HeaderMap) -> Option<HeaderValue> {
    let Some(Sticky::Cookie(_)) = &group.config().sticky else {
        return None;
    };
    let mut cookies = take_all(headers);
    let ours = (!cookies.is_empty()).then(|| cookies.remove(0));
    cookies.into_iter().for_each(|cookie| {
        headers.append(SET_COOKIE, cookie);
    });
    ours
}

/// Puts our cookies before everybody else's.
pub fn put_cookies(cookies: &[HeaderValue], headers: &mut HeaderMap) {
    if cookies.is_empty() {
        return;
    }
    let theirs = take_all(headers);
    for cookie in cookies.iter().cloned().chain(theirs) {
        headers.append(SET_COOKIE, cookie);
    }
}

fn take_all(headers: &mut HeaderMap) -> Vec<HeaderValue> {
    let cookies = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    cookies
}
