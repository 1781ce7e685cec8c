//! What a peer does with a call, by name.

use crate::support::frames::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, WINDOW_UPDATE, fields, frame,
    goodbye,
};

/// What comes after the last frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Then {
    /// The next call of this connection.
    Next,
    Close,
    Silence,
}

const NO_ERROR: u32 = 0;
const INTERNAL: u32 = 2;
const REFUSED: u32 = 7;
const CANCEL: u32 = 8;

/// The names, each for one call.
pub(crate) const ACTS: [&str; 26] = [
    "grpc-0",
    "grpc-5",
    "grpc-14",
    "only-0",
    "only-14",
    "rst-none",
    "rst-internal",
    "rst-refused",
    "rst-cancel",
    "half-rst-none",
    "half-rst-internal",
    "half-rst-cancel",
    "half-close",
    "half-hang",
    "goaway-below",
    "goaway-below-error",
    "goaway-cover",
    "no-status",
    "interim",
    "data-first",
    "update-first",
    "no-trailers",
    "length-cut",
    "length-more",
    "ok-rst-none",
    "early",
];

/// The frames of an act for a stream, and what comes after them.
pub(super) fn frames(name: &str, letter: char, id: u32) -> (Vec<u8>, Then) {
    let reset = |code: u32| frame(RST_STREAM, 0, id, &code.to_be_bytes());
    let head = head(200, id, &[]);
    let half = [head.clone(), data(letter, id, 0)].concat();
    let whole = |code: &str| [half.clone(), trailers(code, id)].concat();
    let goaway = |last, code| frame(GOAWAY, 0, 0, &goodbye(last, code));
    let with_length = |length| self::head(200, id, &[("content-length", length)]);
    match name {
        "grpc-0" | "early" => (whole("0"), Then::Next),
        "grpc-5" => (whole("5"), Then::Next),
        "grpc-14" => (whole("14"), Then::Next),
        "only-0" => (only("0", id), Then::Next),
        "only-14" => (only("14", id), Then::Next),
        "rst-none" => (reset(NO_ERROR), Then::Next),
        "rst-internal" => (reset(INTERNAL), Then::Next),
        "rst-refused" => (reset(REFUSED), Then::Next),
        "rst-cancel" => (reset(CANCEL), Then::Next),
        "half-rst-none" => ([half, reset(NO_ERROR)].concat(), Then::Next),
        "half-rst-internal" => ([half, reset(INTERNAL)].concat(), Then::Next),
        "half-rst-cancel" => ([half, reset(CANCEL)].concat(), Then::Next),
        "half-close" => (half, Then::Close),
        "half-hang" => (half, Then::Silence),
        "goaway-below" => (goaway(id.saturating_sub(2), NO_ERROR), Then::Silence),
        "goaway-below-error" => (goaway(id.saturating_sub(2), INTERNAL), Then::Silence),
        "goaway-cover" => ([goaway(id, NO_ERROR), whole("0")].concat(), Then::Silence),
        "no-status" => {
            let block = fields(&[("content-type", "application/grpc")]);
            (frame(HEADERS, END_HEADERS, id, &block), Then::Silence)
        }
        "interim" => (self::head(100, id, &[]), Then::Silence),
        "data-first" => ([data(letter, id, 0), whole("0")].concat(), Then::Silence),
        "update-first" => {
            let update = |stream| frame(WINDOW_UPDATE, 0, stream, &1000_u32.to_be_bytes());
            ([update(0), update(id), whole("0")].concat(), Then::Next)
        }
        "no-trailers" => ([head, data(letter, id, END_STREAM)].concat(), Then::Next),
        "length-cut" => {
            let cut = data(letter, id, END_STREAM);
            ([with_length("100"), cut].concat(), Then::Next)
        }
        "length-more" => {
            let more = data(letter, id, END_STREAM);
            ([with_length("3"), more].concat(), Then::Next)
        }
        "ok-rst-none" => ([whole("0"), reset(NO_ERROR)].concat(), Then::Next),
        _ => unreachable!("{name} is no act"),
    }
}

/// An answer with this HTTP status and nothing else; 200 is a call that went well.
pub(super) fn status(status: u16, letter: char, id: u32) -> Vec<u8> {
    if status == 200 {
        return frames("grpc-0", letter, id).0;
    }
    let block = fields(&[(":status", &status.to_string())]);
    frame(HEADERS, END_HEADERS | END_STREAM, id, &block)
}

fn head(status: u16, id: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let status = status.to_string();
    let mut all = vec![
        (":status", status.as_str()),
        ("content-type", "application/grpc"),
    ];
    all.extend(more);
    frame(HEADERS, END_HEADERS, id, &fields(&all))
}

/// One message: the peer's letter.
fn data(letter: char, id: u32, flags: u8) -> Vec<u8> {
    frame(DATA, flags, id, &[0, 0, 0, 0, 1, letter as u8])
}

fn trailers(code: &str, id: u32) -> Vec<u8> {
    let block = fields(&[("grpc-status", code), ("grpc-message", "said")]);
    frame(HEADERS, END_HEADERS | END_STREAM, id, &block)
}

fn only(code: &str, id: u32) -> Vec<u8> {
    let block = fields(&[
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", code),
        ("grpc-message", "said"),
    ]);
    frame(HEADERS, END_HEADERS | END_STREAM, id, &block)
}
