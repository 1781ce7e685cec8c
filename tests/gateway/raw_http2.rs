//! A raw connection in HTTP/2.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use crate::frames::{
    ACK, END_HEADERS, END_STREAM, Frame, HEADERS, PREFACE, SETTINGS, fields, frame, settings,
};
use crate::rig::Wire;

/// One side of a connection in HTTP/2, frame by frame.
pub(crate) struct H2 {
    pub(crate) wire: Wire,
    buffer: Vec<u8>,
}

impl H2 {
    /// A connection on which nothing has been said.
    pub(crate) fn silent(address: SocketAddr) -> Self {
        Self {
            wire: Wire::to(address),
            buffer: Vec::new(),
        }
    }

    /// A connection on which both sides have introduced themselves.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::with(address, &[])
    }

    /// The same, with settings of our own.
    pub(crate) fn with(address: SocketAddr, ours: &[(u16, u32)]) -> Self {
        let mut h2 = Self::silent(address);
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &settings(ours))].concat();
        h2.wire.send(hello);
        let (mut told, mut taken) = (false, false);
        while !(told && taken) {
            let frame = h2.next().expect("an introduction");
            let is_settings = frame.kind == SETTINGS;
            told |= is_settings && !frame.has(ACK);
            taken |= is_settings && frame.has(ACK);
        }
        h2.wire.send(frame(SETTINGS, ACK, 0, &[]));
        h2
    }

    /// The next frame, unless the server closes or falls silent.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut part = [0; 16 * 1024];
        loop {
            if let Some(frame) = Frame::take(&mut self.buffer) {
                return Some(frame);
            }
            match self.wire.0.read(&mut part) {
                Ok(length @ 1..) => self.buffer.extend_from_slice(&part[..length]),
                _ => return None,
            }
        }
    }

    /// How long `next` waits.
    pub(crate) fn patience(&mut self, time: Duration) {
        self.wire.0.set_read_timeout(Some(time)).expect("a timeout");
    }

    /// Sends as much as is taken.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        std::io::Write::write_all(&mut self.wire.0, bytes).is_ok()
    }
}

/// The header of a request.
pub(crate) fn head(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut all = vec![
        (":method", method),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", path),
    ];
    all.extend(more);
    fields(&all)
}

/// A whole request without a body.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    let flags = END_HEADERS | END_STREAM;
    frame(HEADERS, flags, stream, &head("GET", path, &[]))
}

/// The status of an answer whose header was compressed as everybody does.
pub(crate) fn status(frame: &Frame) -> Option<u16> {
    let known = [200, 204, 206, 304, 400, 404, 500];
    let index = frame.payload.first()?.checked_sub(0x88)?;
    known.get(usize::from(index)).copied()
}
