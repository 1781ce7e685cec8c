//! A peer that speaks HTTP/2 frame by frame: one call after the other on each connection.

use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::acts::{self, Then};
use crate::support::backend::{State, next_reply, note};
use crate::support::frames::{
    ACK, DATA, END_STREAM, Frame, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    frame,
};
use crate::support::script::What;

/// Serves a connection to its end; what ends it by reset says so.
pub(in crate::support) async fn serve(
    stream: &mut TcpStream,
    letter: char,
    connection: u32,
    state: &Mutex<State>,
) -> Option<What> {
    let mut wire = Wire {
        stream,
        buffer: Vec::new(),
    };
    wire.preface().await?;
    for turn in 1.. {
        let (id, ended) = wire.begin().await?;
        let reply = next_reply(state, |_| true)?;
        let early = reply.what == What::Grpc("early");
        let body = match ended || early {
            true => 0,
            false => wire.rest(id).await?,
        };
        note(state, connection, turn, format!("CALL {body}"));
        if reply.after > 0 {
            let until = Instant::now() + Duration::from_millis(reply.after);
            wire.quiet(id, until).await?;
        }
        let (bytes, then) = match reply.what {
            What::Answer(status, _) => (acts::status(status, letter, id), Then::Next),
            What::Grpc(name) => acts::frames(name, letter, id),
            What::Hang => (Vec::new(), Then::Silence),
            what => return Some(what),
        };
        wire.stream.write_all(&bytes).await.ok()?;
        match then {
            Then::Next if early && !ended => drop(wire.rest(id).await?),
            Then::Next => {}
            Then::Close => return None,
            Then::Silence => {
                wire.quiet(id, Instant::now() + Duration::from_secs(3600))
                    .await?
            }
        }
    }
    None
}

struct Wire<'a> {
    stream: &'a mut TcpStream,
    buffer: Vec<u8>,
}

impl Wire<'_> {
    async fn preface(&mut self) -> Option<()> {
        while self.buffer.len() < PREFACE.len() {
            self.more().await?;
        }
        self.buffer.drain(..PREFACE.len());
        self.stream
            .write_all(&frame(SETTINGS, 0, 0, &[]))
            .await
            .ok()
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }

    /// The next frame that is about a stream; others are answered as they must be.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            let Some(read) = Frame::take(&mut self.buffer) else {
                self.more().await?;
                continue;
            };
            let answer = match read.kind {
                SETTINGS if !read.has(ACK) => frame(SETTINGS, ACK, 0, &[]),
                PING if !read.has(ACK) => frame(PING, ACK, 0, &read.payload),
                DATA => {
                    let length = u32::try_from(read.payload.len()).unwrap_or_default();
                    if length > 0 {
                        let update = frame(WINDOW_UPDATE, 0, 0, &length.to_be_bytes());
                        self.stream.write_all(&update).await.ok()?;
                    }
                    return Some(read);
                }
                HEADERS | RST_STREAM => return Some(read),
                _ => continue,
            };
            self.stream.write_all(&answer).await.ok()?;
        }
    }

    /// The next call: its stream, and whether that is all of it.
    async fn begin(&mut self) -> Option<(u32, bool)> {
        loop {
            let read = self.next().await?;
            if read.kind == HEADERS {
                return Some((read.stream, read.has(END_STREAM)));
            }
        }
    }

    /// Reads a call's body, and says how long it was.
    async fn rest(&mut self, id: u32) -> Option<usize> {
        let mut length = 0;
        loop {
            let read = self.next().await?;
            if read.stream != id {
                continue;
            }
            length += read.payload.len();
            if read.has(END_STREAM) || read.kind == RST_STREAM {
                return Some(length);
            }
        }
    }

    /// Says nothing until a moment, or until the call is given up.
    async fn quiet(&mut self, id: u32, until: Instant) -> Option<()> {
        loop {
            match timeout_at(until, self.next()).await {
                Err(_) => return Some(()),
                Ok(None) => return None,
                Ok(Some(read)) if read.kind == RST_STREAM && read.stream == id => return Some(()),
                Ok(Some(_)) => {}
            }
        }
    }
}
