//! What a case is made of.

use crate::frames::{END_HEADERS, END_STREAM, HEADERS, frame};
use crate::raw_http2::head;

pub(super) const PROTOCOL: u32 = 1;
pub(super) const FLOW_CONTROL: u32 = 3;
pub(super) const STREAM_CLOSED: u32 = 5;
pub(super) const FRAME_SIZE: u32 = 6;
pub(super) const REFUSED: u32 = 7;
pub(super) const COMPRESSION: u32 = 9;

/// What must come of a case.
#[derive(Debug)]
pub(super) enum Want {
    /// Nothing: the connection goes on.
    Fine,
    /// An error of the connection: GOAWAY with one of these codes.
    Connection(&'static [u32]),
    /// An error of the stream with one of these codes.
    Stream(&'static [u32]),
    /// A malformed request: PROTOCOL_ERROR for the stream, or a status in the four hundreds.
    Malformed,
    /// The connection ends.
    End,
}

pub(super) struct Case {
    /// Section and sentence.
    pub(super) name: String,
    /// What is said, one after the other.
    pub(super) says: Vec<Vec<u8>>,
    pub(super) settings: &'static [(u16, u32)],
    /// Nothing has been said before.
    pub(super) silent: bool,
    pub(super) want: Want,
}

pub(super) fn case(name: &str, want: Want, says: &[Vec<u8>]) -> Case {
    Case {
        name: name.to_owned(),
        says: says.to_vec(),
        settings: &[],
        silent: false,
        want,
    }
}

pub(super) fn all() -> Vec<Case> {
    let mut all = super::frames::cases();
    all.extend(super::states::cases());
    all.extend(super::windows::cases());
    all.extend(super::messages::cases());
    all
}

/// The beginning of a request whose body is to come.
pub(super) fn post(stream: u32, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &head("POST", path, more))
}

/// A whole request with this header block.
pub(super) fn block(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, block)
}
