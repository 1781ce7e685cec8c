//! What a scripted backend does, as plain data with a text form.

use std::fmt;

use super::{h2, malformed};

/// A backend's behaviour from one step of a scenario to the next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Script {
    /// The port is closed: connections are refused.
    Refuse,
    /// The port is open and its backlog full: connection attempts get no answer.
    Deaf,
    /// These replies in turn, then the last one for ever.
    Serve(Vec<Reply>),
}

/// What happens to one request, `after` so many milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) what: What,
    pub(crate) after: u64,
}

/// The kinds of reply; each but `Answer`, `Malformed` and `Grpc` has one word in the text form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// A response of this status, its body framed in this way.
    Answer(u16, Shape),
    /// Bytes no well-behaved server would send, by their name, then a close.
    Malformed(&'static str),
    /// Frames of HTTP/2, by their name.
    Grpc(&'static str),
    /// Close after reading the request.
    Close,
    /// Close as soon as the connection is accepted, be the other side aware of it or not.
    Drop,
    /// Close when the other side knows that it is connected, without reading.
    HangUp,
    /// Reset the connection after reading the request.
    Reset,
    /// Reset the connection as soon as it is accepted, be the other side aware of it or not.
    ResetOnAccept,
    /// Read the request and never answer.
    Hang,
    /// Half a response header, then close.
    Partial,
    /// A good response but for its header of 20 kB.
    HugeHeader,
    /// A good response whose header takes three seconds, some bytes every 80 ms.
    Drip,
    /// Answer the first request of each connection, close after reading the second.
    Stale,
    /// Answer the first request of each connection, never the second.
    StaleHang,
}

/// How a response body is framed, and where it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Content-Length.
    Length,
    /// Content-Length: 0.
    Empty,
    /// Content-Length, and the connection closed once it is sent.
    LengthClose,
    /// Chunked, with its last chunk.
    Chunked,
    /// Ended by closing the connection.
    Eof,
    /// Content-Length 100, 5 bytes, then close.
    Cut,
    /// One chunk, then close.
    ChunkedCut,
    /// Content-Length 8, 2 bytes, then silence.
    Stall,
    /// Content-Length 8, a byte every 600 ms.
    Trickle,
    /// Content-Length 4, a byte every 200 ms.
    QuickTrickle,
}

const WORDS: [(&str, What); 11] = [
    ("close", What::Close),
    ("drop", What::Drop),
    ("hang-up", What::HangUp),
    ("reset", What::Reset),
    ("reset-on-accept", What::ResetOnAccept),
    ("hang", What::Hang),
    ("partial", What::Partial),
    ("huge-header", What::HugeHeader),
    ("drip", What::Drip),
    ("stale", What::Stale),
    ("stale-hang", What::StaleHang),
];

const SHAPES: [(&str, Shape); 10] = [
    ("", Shape::Length),
    (":empty", Shape::Empty),
    (":close", Shape::LengthClose),
    (":chunked", Shape::Chunked),
    (":eof", Shape::Eof),
    (":cut", Shape::Cut),
    (":chunked-cut", Shape::ChunkedCut),
    (":stall", Shape::Stall),
    (":trickle", Shape::Trickle),
    (":quick-trickle", Shape::QuickTrickle),
];

impl Script {
    /// Always this reply.
    pub(crate) fn always(what: What) -> Self {
        Self::Serve(vec![what.into()])
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "refuse" => Ok(Self::Refuse),
            "deaf" => Ok(Self::Deaf),
            replies => replies
                .split(',')
                .map(|reply| Reply::parse(reply.trim()))
                .collect::<Result<_, _>>()
                .map(Self::Serve),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refuse"),
            Self::Deaf => f.write_str("deaf"),
            Self::Serve(replies) => {
                let words: Vec<String> = replies.iter().map(Reply::to_string).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}

impl From<What> for Reply {
    fn from(what: What) -> Self {
        Self { what, after: 0 }
    }
}

impl Reply {
    /// Whether it happens before any request is read.
    pub(crate) fn on_accept(&self) -> bool {
        matches!(self.what, What::Drop | What::HangUp | What::ResetOnAccept)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (word, after) = match text.split_once('+') {
            Some((word, after)) => (word, after.parse().map_err(|_| text)?),
            None => (text, 0),
        };
        Ok(Self {
            what: What::parse(word)?,
            after,
        })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Answer(status, shape) => {
                let suffix = SHAPES
                    .iter()
                    .find(|(_, s)| *s == shape)
                    .map_or("", |(w, _)| w);
                write!(f, "{status}{suffix}")?;
            }
            What::Malformed(name) | What::Grpc(name) => f.write_str(name)?,
            what => {
                let word = WORDS
                    .iter()
                    .find(|(_, w)| *w == what)
                    .map_or("?", |(w, _)| w);
                f.write_str(word)?;
            }
        }
        if self.after > 0 {
            write!(f, "+{}", self.after)?;
        }
        Ok(())
    }
}

impl What {
    fn parse(word: &str) -> Result<Self, String> {
        if let Some((_, what)) = WORDS.iter().find(|(w, _)| *w == word) {
            return Ok(*what);
        }
        if let Some((name, _)) = malformed::ANSWERS.iter().find(|(w, _)| *w == word) {
            return Ok(Self::Malformed(name));
        }
        if let Some(name) = h2::ACTS.iter().find(|name| **name == word) {
            return Ok(Self::Grpc(name));
        }
        let number = word.split(':').next().unwrap_or_default();
        let status = number
            .parse()
            .map_err(|_| format!("unknown reply \"{word}\""))?;
        SHAPES
            .iter()
            .find(|(w, _)| *w == &word[number.len()..])
            .map(|(_, shape)| Self::Answer(status, *shape))
            .ok_or_else(|| format!("unknown framing in \"{word}\""))
    }
}
