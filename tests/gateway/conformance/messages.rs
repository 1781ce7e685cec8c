//! Section 8: requests that make sense as frames and none as requests. None of them may reach a peer.

use super::cases::{Case, PROTOCOL, Want, block, case, post};
use crate::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, fields, frame};
use crate::raw_http2::head;

const PATH: (&str, &str) = (":path", "/malformed");
const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "a");

fn malformed(name: &str, header: &[(&str, &str)]) -> Case {
    case(name, Want::Malformed, &[block(1, &fields(header))])
}

/// A request that is fine but for this field.
fn field(name: &str, key: &str, value: &str) -> Case {
    malformed(name, &[METHOD, SCHEME, AUTHORITY, PATH, (key, value)])
}

fn body(name: &str, length: &str, parts: &[&[u8]]) -> Case {
    let mut says = post(1, "/malformed", &[("content-length", length)]);
    for (number, part) in parts.iter().enumerate() {
        let flags = if number + 1 == parts.len() {
            END_STREAM
        } else {
            0
        };
        says.extend(frame(DATA, flags, 1, part));
    }
    case(name, Want::Malformed, &[says])
}

fn trailers(name: &str, flags: u8, block: &[u8]) -> Case {
    let says = [
        post(1, "/", &[]),
        frame(DATA, 0, 1, b"x"),
        frame(HEADERS, END_HEADERS | flags, 1, block),
    ];
    case(name, Want::Malformed, &[says.concat()])
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = fields_of_their_own();
    all.extend(pseudo_fields());
    all.extend(vec![
        body("8.1.1 a body shorter than it says", "5", &[b"abc"]),
        body("8.1.1 a body longer than it says", "2", &[b"abc"]),
        body(
            "8.1.1 a body in parts, longer than it says",
            "4",
            &[b"abc", b"def"],
        ),
        case(
            "8.1.1 no body though there should be one",
            Want::Malformed,
            &[block(
                1,
                &head("POST", "/malformed", &[("content-length", "5")]),
            )],
        ),
        trailers(
            "8.1 trailers that do not end the stream",
            0,
            &fields(&[("x", "y")]),
        ),
        trailers(
            "8.1 trailers with a pseudo-header",
            END_STREAM,
            &fields(&[(":path", "/x"), ("x", "y")]),
        ),
        case(
            "8.1 trailers",
            Want::Fine,
            &[[
                post(1, "/", &[]),
                frame(DATA, 0, 1, b"x"),
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(&[("x", "y")])),
            ]
            .concat()],
        ),
        case(
            "8.2.2 te: trailers",
            Want::Fine,
            &[block(1, &head("GET", "/", &[("te", "trailers")]))],
        ),
        case(
            "8.3.1 host and authority that are the same",
            Want::Fine,
            &[block(1, &head("GET", "/", &[("host", "a")]))],
        ),
        case(
            "8.4 a promise of a promise",
            Want::Connection(&[PROTOCOL]),
            &[frame(
                crate::frames::PUSH_PROMISE,
                END_HEADERS,
                0,
                &[0, 0, 0, 2, 0x82],
            )],
        ),
    ]);
    all
}

fn fields_of_their_own() -> Vec<Case> {
    vec![
        field("8.2.1 capitals in a name", "X-Test", "y"),
        field("8.2.1 a space in a name", "x y", "z"),
        field("8.2.1 a colon in a name", "x:y", "z"),
        field("8.2.1 no name", "", "z"),
        field("8.2.1 NUL in a value", "x", "a\0b"),
        field("8.2.1 CR in a value", "x", "a\rb"),
        field("8.2.1 LF in a value", "x", "a\nb"),
        field(
            "8.2.1 another request in a value",
            "x",
            "a\r\n\r\nGET /malformed2 HTTP/1.1",
        ),
        field("8.2.2 connection", "connection", "keep-alive"),
        field("8.2.2 keep-alive", "keep-alive", "timeout=1"),
        field("8.2.2 proxy-connection", "proxy-connection", "keep-alive"),
        field("8.2.2 transfer-encoding", "transfer-encoding", "chunked"),
        field("8.2.2 upgrade", "upgrade", "websocket"),
        field("8.2.2 te", "te", "gzip"),
    ]
}

fn pseudo_fields() -> Vec<Case> {
    let after = ("x", "y");
    vec![
        malformed(
            "8.3 an unknown pseudo-header",
            &[METHOD, SCHEME, AUTHORITY, PATH, (":test", "x")],
        ),
        malformed(
            "8.3 one of answers",
            &[METHOD, SCHEME, AUTHORITY, PATH, (":status", "200")],
        ),
        malformed(
            "8.3 one after other fields",
            &[METHOD, SCHEME, AUTHORITY, after, PATH],
        ),
        malformed(
            "8.3 one twice: method",
            &[METHOD, METHOD, SCHEME, AUTHORITY, PATH],
        ),
        malformed(
            "8.3 one twice: scheme",
            &[METHOD, SCHEME, SCHEME, AUTHORITY, PATH],
        ),
        malformed(
            "8.3 one twice: path",
            &[METHOD, SCHEME, AUTHORITY, PATH, PATH],
        ),
        malformed(
            "8.3 one twice: authority",
            &[METHOD, SCHEME, AUTHORITY, AUTHORITY, PATH],
        ),
        malformed("8.3.1 no method", &[SCHEME, AUTHORITY, PATH]),
        malformed("8.3.1 no scheme", &[METHOD, AUTHORITY, PATH]),
        malformed("8.3.1 no path", &[METHOD, SCHEME, AUTHORITY]),
        malformed(
            "8.3.1 an empty path",
            &[METHOD, SCHEME, AUTHORITY, (":path", "")],
        ),
        malformed(
            "8.3.1 a path that does not begin with a slash",
            &[METHOD, SCHEME, AUTHORITY, (":path", "malformed")],
        ),
        malformed(
            "8.3.1 a method with a space",
            &[
                (":method", "GET /malformed HTTP/1.1"),
                SCHEME,
                AUTHORITY,
                PATH,
            ],
        ),
        malformed(
            "8.3.1 a path with a line's end",
            &[METHOD, SCHEME, AUTHORITY, (":path", "/malformed\r\nx: y")],
        ),
        malformed(
            "8.3.1 host and authority that differ",
            &[METHOD, SCHEME, AUTHORITY, PATH, ("host", "b")],
        ),
    ]
}
