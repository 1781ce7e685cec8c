//! Cookies by name, found as NGINX finds them: letters' case does not count, a value goes up to the
//! next `;` and keeps its quotes and the spaces behind it, and the first cookie of the name is the
//! one, even if it is empty.

use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};

/// The cookie `name` that a request brings (`$cookie_NAME`).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let lines = headers.get_all(COOKIE).into_iter();
    sent(lines.map(|line| line.as_bytes()), name)
}

/// The cookie `name` that a response sets (`$upstream_cookie_NAME`).
pub(crate) fn set_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let lines = headers.get_all(SET_COOKIE).into_iter();
    set(lines.map(|line| line.as_bytes()), name)
}

fn sent<'a>(mut lines: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a [u8]> {
    lines.find_map(|mut rest| {
        while !rest.is_empty() {
            match value(rest, name) {
                Ok(value) => return Some(value),
                Err(after) => rest = next(after),
            }
        }
        None
    })
}

fn set<'a>(mut lines: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a [u8]> {
    lines.find_map(|line| value(line, name).ok())
}

/// The value, if `text` begins with `name` and `=`; else from where to look for the next cookie.
fn value<'a>(text: &'a [u8], name: &str) -> Result<&'a [u8], &'a [u8]> {
    let Some((begin, rest)) = text.split_at_checked(name.len()) else {
        return Err(text);
    };
    if !begin.eq_ignore_ascii_case(name.as_bytes()) {
        return Err(text);
    }
    match unspaced(rest).split_first() {
        Some((b'=', value)) => {
            let value = unspaced(value);
            let end = value.iter().position(|&byte| byte == b';');
            Ok(&value[..end.unwrap_or(value.len())])
        }
        // Whatever stands there is passed over, be it the `;`: `a; a=1` has no cookie a.
        Some((_, rest)) => Err(rest),
        None => Err(&[]),
    }
}

/// What follows the next `;` or `,`.
fn next(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b';' | b','));
    end.map_or(&[], |end| unspaced(&text[end + 1..]))
}

fn unspaced(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&byte| byte != b' ');
    &text[start.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line as nginx 1.22.1 reads it.
    #[test]
    fn cookies_are_found_as_nginx_finds_them() {
        for (lines, found) in [
            (&["srv=a"] as &[&str], Some("a")),
            (&["x=1; srv=a"], Some("a")),
            (&["x=1,srv=a"], Some("a")),
            (&["x=1;srv=a"], Some("a")),
            (&["x=1;  srv=a"], Some("a")),
            (&["SRV=a"], Some("a")),
            (&["srv = a ; y=1"], Some("a ")),
            (&["srv=\"a b\"; y=1"], Some("\"a b\"")),
            (&["srv=a,b"], Some("a,b")),
            (&["srvx=1; srv=2"], Some("2")),
            (&["srv; srv=2"], None),
            (&["srv;srv=2;srv=3"], Some("3")),
            (&["xsrv=1"], None),
            (&["x=srv=1"], None),
            (&["srv=; srv=2"], Some("")),
            (&["x=1", "srv=2", "srv=3"], Some("2")),
            (&["srv", "srv=2"], Some("2")),
            (&["", "sr", "srv"], None),
            (&[], None),
        ] {
            let bytes = lines.iter().map(|line| line.as_bytes());
            assert_eq!(sent(bytes, "srv"), found.map(str::as_bytes), "{lines:?}");
        }
    }

    /// Each line as nginx 1.22.1 reads it.
    #[test]
    fn a_cookie_that_is_set_begins_its_header() {
        for (lines, found) in [
            (&["srv=a; path=/"] as &[&str], Some("a")),
            (&["SRV = a ;b"], Some("a ")),
            (&["srv=\"q\"; x"], Some("\"q\"")),
            (&["srv=a,b"], Some("a,b")),
            (&["x=1; srv=2"], None),
            (&["srv"], None),
            (&["srv="], Some("")),
            (&["x=1", "srv=2"], Some("2")),
        ] {
            let bytes = lines.iter().map(|line| line.as_bytes());
            assert_eq!(set(bytes, "srv"), found.map(str::as_bytes), "{lines:?}");
        }
    }
}
