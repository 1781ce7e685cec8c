//! Sections 3.4, 4, 5.5 and 6 to 6.8: frames, each by itself.

use super::cases::{
    COMPRESSION, Case, FLOW_CONTROL, FRAME_SIZE, PROTOCOL, Want, block, case, post,
};
use crate::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITY,
    PUSH_PROMISE, RST_STREAM, SETTINGS, WITH_PRIORITY, frame, goodbye, settings,
};
use crate::raw_http2::{get, head};

const ENABLE_PUSH: u16 = 2;
pub(super) const INITIAL_WINDOW: u16 = 4;
const MAX_FRAME: u16 = 5;

/// A frame of a kind that nobody knows.
fn unknown(stream: u32) -> Vec<u8> {
    frame(0xee, 0xff, stream, b"whatever")
}

pub(super) fn set(name: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &settings(&[(name, value)]))
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(connections());
    all.extend(sizes_and_blocks());
    all.extend(data_headers_and_resets());
    all.extend(settings_and_pings());
    all
}

fn connections() -> Vec<Case> {
    let silent = |name: &str, want, says: &[u8]| Case {
        silent: true,
        ..case(name, want, &[says.to_vec()])
    };
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    vec![
        silent(
            "3.4 a preface that is wrong",
            Want::End,
            b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        ),
        silent(
            "3.4 a first frame that is no SETTINGS",
            Want::Connection(&[PROTOCOL]),
            &[PREFACE, &frame(PING, 0, 0, &[0; 8])].concat(),
        ),
        silent(
            "3.4 requests before the server's SETTINGS",
            Want::Fine,
            &hello,
        ),
        case(
            "4.1 a frame of unknown type is ignored",
            Want::Fine,
            &[unknown(0), unknown(1)],
        ),
        case(
            "4.1 flags without meaning are ignored",
            Want::Fine,
            &[
                frame(PING, 0xfe, 0, &[0; 8]),
                frame(HEADERS, 0xc5 & !0x28, 1, &head("GET", "/", &[])),
            ],
        ),
        case(
            "4.1 the reserved bit is ignored",
            Want::Fine,
            &[frame(PING, 0, 1 << 31, &[0; 8]), get(1 | 1 << 31, "/")],
        ),
        case(
            "5.5 an unknown setting is ignored",
            Want::Fine,
            &[set(0xfe, 1)],
        ),
        case(
            "5.5 an unknown frame within a header block",
            Want::Connection(&[PROTOCOL]),
            &[
                frame(HEADERS, END_STREAM, 1, &head("GET", "/", &[])),
                unknown(1),
            ],
        ),
    ]
}

fn sizes_and_blocks() -> Vec<Case> {
    let begun = || {
        frame(
            HEADERS,
            END_STREAM,
            1,
            &head("GET", "/malformed", &[])[..10],
        )
    };
    let bad =
        |name: &str, bytes: &[u8]| case(name, Want::Connection(&[COMPRESSION]), &[block(1, bytes)]);
    let most = [0; 16_384];
    vec![
        case(
            "4.2 DATA of the largest size",
            Want::Fine,
            &[post(1, "/", &[]), frame(DATA, END_STREAM, 1, &most)],
        ),
        case(
            "4.2 DATA that is too large",
            Want::Stream(&[FRAME_SIZE]),
            &[
                post(1, "/malformed", &[]),
                frame(DATA, END_STREAM, 1, &[0; 16_385]),
            ],
        ),
        case(
            "4.2 HEADERS that is too large",
            Want::Connection(&[FRAME_SIZE]),
            &[block(
                1,
                &head("GET", "/malformed", &[("x", &"x".repeat(16_384))]),
            )],
        ),
        case(
            "4.2 an unknown frame that is too large",
            Want::Connection(&[FRAME_SIZE]),
            &[frame(0xee, 0, 0, &[0; 16_385])],
        ),
        bad("4.3 a field of index zero", &[0x80]),
        bad("4.3 a field beyond the tables", &[0xff, 0x80, 0x01]),
        bad("4.3 a field that is cut", &[0x00, 0x05, b'a']),
        bad(
            "4.3 a code of Huffman's that is none",
            &[0x00, 0x01, b'a', 0x84, 0xff, 0xff, 0xff, 0xff],
        ),
        bad(
            "4.3 padding longer than seven bits",
            &[0x00, 0x01, b'a', 0x82, 0x1f, 0xff],
        ),
        bad("4.3.1 a table larger than was allowed", &[0x3f, 0xe2, 0x7f]),
        bad("4.3.1 a change of the table after a field", &[0x82, 0x20]),
        case(
            "4.3 PRIORITY within a header block",
            Want::Connection(&[PROTOCOL]),
            &[begun(), frame(PRIORITY, 0, 1, &[0; 5])],
        ),
        case(
            "4.3 DATA within a header block",
            Want::Connection(&[PROTOCOL]),
            &[begun(), frame(DATA, 0, 1, b"x")],
        ),
        case(
            "4.3 HEADERS of another stream within a header block",
            Want::Connection(&[PROTOCOL]),
            &[begun(), get(3, "/malformed")],
        ),
    ]
}

fn data_headers_and_resets() -> Vec<Case> {
    let connection = |name: &str, code: &'static [u32], says: Vec<u8>| {
        case(name, Want::Connection(code), &[says])
    };
    let padded = |kind, stream, payload: &[u8]| {
        frame(kind, PADDED | END_HEADERS | END_STREAM, stream, payload)
    };
    let with_padding = {
        let mut payload = vec![7];
        payload.extend(head("GET", "/", &[]));
        payload.extend([0; 7]);
        frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, &payload)
    };
    let with_priority = {
        let mut payload = vec![0, 0, 0, 0, 15];
        payload.extend(head("GET", "/", &[]));
        frame(
            HEADERS,
            WITH_PRIORITY | END_HEADERS | END_STREAM,
            1,
            &payload,
        )
    };
    vec![
        connection(
            "6.1 DATA on stream zero",
            &[PROTOCOL],
            frame(DATA, END_STREAM, 0, b"x"),
        ),
        case(
            "6.1 DATA with more padding than payload",
            Want::Connection(&[PROTOCOL]),
            &[
                post(1, "/malformed", &[]),
                frame(DATA, PADDED | END_STREAM, 1, &[9, 1, 2]),
            ],
        ),
        case(
            "6.1 DATA that is padding",
            Want::Fine,
            &[
                post(1, "/", &[]),
                frame(DATA, PADDED | END_STREAM, 1, &[3, 0, 0, 0]),
            ],
        ),
        connection(
            "6.2 HEADERS on stream zero",
            &[PROTOCOL],
            block(0, &head("GET", "/malformed", &[])),
        ),
        connection(
            "6.2 HEADERS with more padding than payload",
            &[PROTOCOL],
            padded(HEADERS, 1, &[200, 0x82, 0x84, 0x86]),
        ),
        case("6.2 HEADERS with padding", Want::Fine, &[with_padding]),
        case("6.2 HEADERS with a priority", Want::Fine, &[with_priority]),
        connection(
            "6.3 PRIORITY on stream zero",
            &[PROTOCOL],
            frame(PRIORITY, 0, 0, &[0; 5]),
        ),
        case(
            "6.3 PRIORITY of another length",
            Want::Stream(&[FRAME_SIZE]),
            &[get(1, "/"), frame(PRIORITY, 0, 1, &[0; 4])],
        ),
        case(
            "6.3 PRIORITY of an idle stream",
            Want::Fine,
            &[frame(PRIORITY, 0, 7, &[0; 5])],
        ),
        connection(
            "6.4 RST_STREAM on stream zero",
            &[PROTOCOL],
            frame(RST_STREAM, 0, 0, &[0; 4]),
        ),
        case(
            "6.4 RST_STREAM of another length",
            Want::Connection(&[FRAME_SIZE]),
            &[post(1, "/", &[]), frame(RST_STREAM, 0, 1, &[0; 3])],
        ),
        case(
            "6.4 RST_STREAM with an unknown code",
            Want::Fine,
            &[post(1, "/", &[]), frame(RST_STREAM, 0, 1, &[0xff; 4])],
        ),
    ]
}

fn settings_and_pings() -> Vec<Case> {
    let connection = |name: &str, code: &'static [u32], says: Vec<u8>| {
        case(name, Want::Connection(code), &[says])
    };
    vec![
        connection(
            "6.5 an acknowledgement with a payload",
            &[FRAME_SIZE],
            frame(SETTINGS, ACK, 0, &[0; 6]),
        ),
        connection(
            "6.5 SETTINGS of a stream",
            &[PROTOCOL],
            frame(SETTINGS, 0, 1, &[]),
        ),
        connection(
            "6.5 SETTINGS of another length",
            &[FRAME_SIZE],
            frame(SETTINGS, 0, 0, &[0; 7]),
        ),
        connection(
            "6.5.2 ENABLE_PUSH neither 0 nor 1",
            &[PROTOCOL],
            set(ENABLE_PUSH, 2),
        ),
        connection(
            "6.5.2 a window above 2^31-1",
            &[FLOW_CONTROL],
            set(INITIAL_WINDOW, 1 << 31),
        ),
        connection(
            "6.5.2 frames below 2^14",
            &[PROTOCOL],
            set(MAX_FRAME, 16_383),
        ),
        connection(
            "6.5.2 frames above 2^24-1",
            &[PROTOCOL],
            set(MAX_FRAME, 1 << 24),
        ),
        connection(
            "6.6 PUSH_PROMISE by a client",
            &[PROTOCOL],
            frame(
                PUSH_PROMISE,
                END_HEADERS,
                1,
                &[0, 0, 0, 2, 0x82, 0x84, 0x86],
            ),
        ),
        connection(
            "6.7 PING of a stream",
            &[PROTOCOL],
            frame(PING, 0, 1, &[0; 8]),
        ),
        connection(
            "6.7 PING of another length",
            &[FRAME_SIZE],
            frame(PING, 0, 0, &[0; 7]),
        ),
        case(
            "6.7 an answer nobody asked for",
            Want::Fine,
            &[frame(PING, ACK, 0, &[3; 8])],
        ),
        connection(
            "6.8 GOAWAY of a stream",
            &[PROTOCOL],
            frame(GOAWAY, 0, 1, &goodbye(0, 0)),
        ),
    ]
}
