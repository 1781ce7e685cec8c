//! A request's path as NGINX compares it: decoded, slashes merged, dots followed.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The path is not one: a broken or zero escape, or dots leading above the root.
#[derive(Debug, PartialEq, Eq)]
pub struct BadPath;

/// The path to choose a location by, and whether it differs from what was sent because of escapes.
#[derive(Debug, PartialEq, Eq)]
pub struct Normal<'a> {
    /// Decoded and simplified. May hold any bytes a client can escape, so not always UTF-8.
    pub path: Cow<'a, [u8]>,
    /// Something was escaped, so it must be escaped again on its way out.
    pub quoted: bool,
}

/// Simplifies `raw`, the part of a request target before `?`.
pub fn normalize(raw: &str) -> Result<Normal<'_>, BadPath> {
    let bytes = raw.as_bytes();
    if !is_complex(bytes) {
        return Ok(Normal {
            path: Cow::Borrowed(bytes),
            quoted: false,
        });
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut quoted = false;
    let mut at = 0;
    while at < bytes.len() {
        let mut byte = bytes[at];
        at += 1;
        let mut literal = false;
        if byte == b'%' {
            byte = escaped(bytes.get(at..at + 2).ok_or(BadPath)?)?;
            at += 2;
            quoted = true;
            literal = matches!(byte, b'%' | b'#' | b'?');
        }
        match byte {
            b'#' if !literal => break,
            b'/' => {
                leave_segment(&mut out)?;
                if out.last() != Some(&b'/') {
                    out.push(b'/');
                }
            }
            _ => out.push(byte),
        }
    }
    leave_segment(&mut out)?;
    Ok(Normal {
        path: Cow::Owned(out),
        quoted,
    })
}

fn is_complex(path: &[u8]) -> bool {
    let mut previous = 0;
    path.iter().any(|&byte| {
        let found =
            matches!(byte, b'%' | b'#') || (previous == b'/' && matches!(byte, b'/' | b'.'));
        previous = byte;
        found
    })
}

fn escaped(digits: &[u8]) -> Result<u8, BadPath> {
    let digit = |d: u8| (d as char).to_digit(16).ok_or(BadPath);
    match digit(digits[0])? * 16 + digit(digits[1])? {
        0 => Err(BadPath),
        value => Ok(value as u8),
    }
}

/// Follows the dots if the segment just ended consists of one or two.
fn leave_segment(out: &mut Vec<u8>) -> Result<(), BadPath> {
    if out.ends_with(b"/.") {
        out.pop();
    } else if out.ends_with(b"/..") {
        out.truncate(out.len() - 3);
        let parent = out.iter().rposition(|&b| b == b'/').ok_or(BadPath)?;
        out.truncate(parent + 1);
    }
    Ok(())
}

/// Appends `path` with everything escaped that cannot stand in a request target.
pub fn escape_into(path: &[u8], out: &mut String) {
    for &byte in path {
        if matches!(
            byte,
            b' ' | b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`'
        ) || matches!(byte, b'{'..=b'}')
            || !(0x20..0x7f).contains(&byte)
        {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(byte as char);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(raw: &str) -> Result<String, BadPath> {
        normalize(raw).map(|n| String::from_utf8_lossy(&n.path).into_owned())
    }

    #[test]
    fn plain_paths_are_borrowed() {
        let normal = normalize("/orders/7").unwrap();
        assert!(matches!(normal.path, Cow::Borrowed(b"/orders/7")));
        assert!(!normal.quoted);
    }

    #[test]
    fn slashes_merge_and_dots_are_followed() {
        for (raw, want) in [
            ("//a///b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/a/../b", "/b"),
            ("/a/b/../../c", "/c"),
            ("/a/...", "/a/..."),
            ("/a/..b/.c", "/a/..b/.c"),
            ("/a//../b", "/b"),
        ] {
            assert_eq!(path(raw).as_deref(), Ok(want), "{raw}");
        }
    }

    #[test]
    fn escapes_are_decoded_before_dots_and_slashes_count() {
        for (raw, want) in [
            ("/%61%2Fb", "/a/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a%3Fb%23c%25", "/a?b#c%"),
            ("/a%20b", "/a b"),
            ("/a+b", "/a+b"),
            ("/a#b", "/a"),
        ] {
            assert_eq!(path(raw).as_deref(), Ok(want), "{raw}");
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for raw in [
            "/%",
            "/%2",
            "/%zz",
            "/a%00b",
            "/..",
            "/../a",
            "/a/../../b",
            "/%2e%2e",
        ] {
            assert_eq!(path(raw), Err(BadPath), "{raw}");
        }
    }

    #[test]
    fn escaping_leaves_ordinary_characters_alone() {
        let mut out = String::new();
        escape_into(b"/a b%?#\"<>{|}\xe6~!$&'()*+,;=:@", &mut out);
        assert_eq!(out, "/a%20b%25%3F%23%22%3C%3E%7B%7C%7D%E6~!$&'()*+,;=:@");
    }
}
