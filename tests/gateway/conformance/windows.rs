//! Sections 6.9 and 6.10: windows, and header blocks in pieces.

use super::cases::{Case, FLOW_CONTROL, FRAME_SIZE, PROTOCOL, Want, case, post};
use super::frames::{INITIAL_WINDOW, set};
use crate::frames::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS, WINDOW_UPDATE, frame};
use crate::raw_http2::{get, head};

fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

pub(super) fn cases() -> Vec<Case> {
    let connection = |name: &str, code: &'static [u32], says: &[Vec<u8>]| {
        case(name, Want::Connection(code), says)
    };
    let held = || post(1, "/", &[("content-length", "5")]);
    let most = 0x7fff_ffff;
    let open = || frame(HEADERS, END_STREAM, 1, &head("GET", "/", &[]));
    let more = |flags, stream, bytes: &[u8]| frame(CONTINUATION, flags, stream, bytes);
    let pieces = {
        let whole = head("GET", "/", &[("x", "y")]);
        let first = frame(HEADERS, END_STREAM, 1, &whole[..5]);
        let rest = [(0, &whole[5..6]), (0, &whole[6..]), (END_HEADERS, &[])];
        let rest = rest.map(|(flags, part)| more(flags, 1, part));
        [first, rest.concat()].concat()
    };
    vec![
        connection(
            "6.9 no more room for the connection",
            &[PROTOCOL],
            &[window(0, 0)],
        ),
        case(
            "6.9 no more room for a stream",
            Want::Stream(&[PROTOCOL]),
            &[held(), window(1, 0)],
        ),
        connection(
            "6.9 WINDOW_UPDATE of another length",
            &[FRAME_SIZE],
            &[frame(WINDOW_UPDATE, 0, 0, &[0; 3])],
        ),
        connection(
            "6.9.1 too much room for the connection",
            &[FLOW_CONTROL],
            &[window(0, most)],
        ),
        case(
            "6.9.1 too much room for a stream",
            Want::Stream(&[FLOW_CONTROL]),
            &[held(), window(1, most), window(1, most)],
        ),
        connection(
            "6.9.2 too much room by a change of settings",
            &[FLOW_CONTROL],
            &[
                held(),
                window(1, most - 65_535),
                set(INITIAL_WINDOW, 65_536),
            ],
        ),
        connection(
            "6.10 CONTINUATION of nothing",
            &[PROTOCOL],
            &[more(END_HEADERS, 1, &[0x82])],
        ),
        connection(
            "6.10 CONTINUATION after the end",
            &[PROTOCOL],
            &[get(1, "/"), more(END_HEADERS, 1, &[0x82])],
        ),
        connection(
            "6.10 CONTINUATION on stream zero",
            &[PROTOCOL],
            &[open(), more(END_HEADERS, 0, &[])],
        ),
        connection(
            "6.10 CONTINUATION of another stream",
            &[PROTOCOL],
            &[open(), more(END_HEADERS, 3, &[])],
        ),
        case("6.10 CONTINUATION three times", Want::Fine, &[pieces]),
    ]
}
