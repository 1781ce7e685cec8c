//! Section 5: streams, and in what state they may hear what.

use super::cases::{Case, FLOW_CONTROL, PROTOCOL, REFUSED, STREAM_CLOSED, Want, case, post};
use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, PRIORITY, RST_STREAM, WINDOW_UPDATE, frame,
};
use crate::raw_http2::get;

fn data(stream: u32) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, b"x")
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

fn window(stream: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &100_u32.to_be_bytes())
}

fn continuation(stream: u32) -> Vec<u8> {
    frame(CONTINUATION, END_HEADERS, stream, &[0x82])
}

pub(super) fn cases() -> Vec<Case> {
    let connection = |name: &str, code: &'static [u32], says: &[Vec<u8>]| {
        case(name, Want::Connection(code), says)
    };
    let stream =
        |name: &str, code: &'static [u32], says: &[Vec<u8>]| case(name, Want::Stream(code), says);
    // One may wait, the next one's body is not read.
    let waiting = [get(1, "/wait?k=window"), post(3, "/wait?k=window", &[])];
    let flood: Vec<u8> = (0..6)
        .flat_map(|_| frame(DATA, 0, 3, &[0; 16_000]))
        .collect();
    let crowd: Vec<u8> = (0..400)
        .flat_map(|number| post(number * 2 + 1, "/", &[]))
        .collect();
    vec![
        connection("5.1 idle: DATA", &[PROTOCOL, STREAM_CLOSED], &[data(1)]),
        connection("5.1 idle: RST_STREAM", &[PROTOCOL], &[reset(1)]),
        connection("5.1 idle: WINDOW_UPDATE", &[PROTOCOL], &[window(1)]),
        connection("5.1 idle: CONTINUATION", &[PROTOCOL], &[continuation(1)]),
        stream(
            "5.1 half closed: DATA",
            &[STREAM_CLOSED],
            &[get(1, "/hang"), data(1)],
        ),
        stream(
            "5.1 half closed: HEADERS",
            &[STREAM_CLOSED, PROTOCOL],
            &[get(1, "/hang"), get(1, "/malformed")],
        ),
        connection(
            "5.1 half closed: CONTINUATION",
            &[PROTOCOL],
            &[get(1, "/hang"), continuation(1)],
        ),
        case(
            "5.1 half closed: WINDOW_UPDATE",
            Want::Fine,
            &[get(1, "/"), window(1)],
        ),
        case(
            "5.1 half closed: PRIORITY",
            Want::Fine,
            &[get(1, "/"), frame(PRIORITY, 0, 1, &[0; 5])],
        ),
        case(
            "5.1 half closed: RST_STREAM",
            Want::Fine,
            &[get(1, "/"), reset(1)],
        ),
        stream(
            "5.1 reset: DATA",
            &[STREAM_CLOSED],
            &[post(1, "/", &[]), reset(1), data(1)],
        ),
        stream(
            "5.1 reset: HEADERS",
            &[STREAM_CLOSED, PROTOCOL],
            &[post(1, "/", &[]), reset(1), get(1, "/malformed")],
        ),
        connection(
            "5.1 reset: CONTINUATION",
            &[PROTOCOL],
            &[post(1, "/", &[]), reset(1), continuation(1)],
        ),
        case(
            "5.1 reset: PRIORITY",
            Want::Fine,
            &[post(1, "/", &[]), reset(1), frame(PRIORITY, 0, 1, &[0; 5])],
        ),
        stream(
            "5.1 closed: DATA",
            &[STREAM_CLOSED],
            &[get(1, "/long"), data(1)],
        ),
        stream(
            "5.1 closed: HEADERS",
            &[STREAM_CLOSED, PROTOCOL],
            &[get(1, "/long"), get(1, "/malformed")],
        ),
        connection(
            "5.1 closed: CONTINUATION",
            &[PROTOCOL],
            &[get(1, "/long"), continuation(1)],
        ),
        case(
            "5.1 closed: WINDOW_UPDATE",
            Want::Fine,
            &[get(1, "/long"), window(1)],
        ),
        case(
            "5.1 closed: RST_STREAM",
            Want::Fine,
            &[get(1, "/long"), reset(1)],
        ),
        connection("5.1.1 an even number", &[PROTOCOL], &[get(2, "/malformed")]),
        connection(
            "5.1.1 a number below the last one",
            &[PROTOCOL, STREAM_CLOSED],
            &[get(5, "/long"), get(3, "/malformed")],
        ),
        stream(
            "5.1.2 more streams than there may be",
            &[REFUSED, PROTOCOL],
            &[crowd],
        ),
        stream(
            "5.2.1 more than the window of a stream",
            &[FLOW_CONTROL],
            &[waiting.concat(), flood],
        ),
    ]
}
