use http::HeaderMap;

use crate::upstream::sticky;

/// The cookie `name` of a request, found as NGINX finds it (`$cookie_NAME`): letters' case does not
/// count, of several the first is the one, even if it is empty, and its value goes up to the next `;`.
///
/// ```
/// use http::{HeaderMap, header::COOKIE};
/// use tower_upstream::nginx::cookie;
///
/// let headers = |line: &'static str| HeaderMap::from_iter([(COOKIE, line.parse().unwrap())]);
/// assert_eq!(cookie(&headers("a=1; Sid = x=y"), "sid"), Some(b"x=y".as_slice()));
/// // A comma ends a cookie that is not the one, and a name alone swallows what follows it.
/// assert_eq!(cookie(&headers("a=1,sid=2"), "sid"), Some(b"2".as_slice()));
/// assert_eq!(cookie(&headers("sid; sid=2"), "sid"), None);
/// ```
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    sticky::cookie(headers, name)
}

/// The cookie `name` that a response sets, likewise (`$upstream_cookie_NAME`); it begins its
/// `Set-Cookie` header.
pub fn set_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    sticky::set_cookie(headers, name)
}
