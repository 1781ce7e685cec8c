use std::fmt;

use super::{Condition, Outcome};
use crate::error::BoxError;
#[cfg(feature = "http2")]
use crate::semantics::Semantics;

/// An attempt over HTTP that came to no response header.
#[derive(Debug)]
pub(crate) struct AttemptError {
    pub(crate) outcome: Outcome,
    source: BoxError,
}

impl AttemptError {
    pub(crate) fn new(outcome: Outcome, source: impl Into<BoxError>) -> Self {
        Self {
            outcome,
            source: source.into(),
        }
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Told(&*self.source).fmt(f)
    }
}

/// The peer reset the stream of an answer, and did not call it an error: what hyper takes for an end.
#[derive(Debug)]
pub(crate) struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer reset the stream before its end")
    }
}

impl std::error::Error for Cancelled {}

/// A failure of hyper's in full: it keeps what the system or the peer said one level down.
pub(crate) struct Told<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(cause) = self.0.source() else {
            return write!(f, "{}", self.0);
        };
        write!(f, "{}: {cause}", self.0)?;
        #[cfg(feature = "http2")]
        if let Some(code) = cause.downcast_ref().and_then(h2::Error::reason) {
            write!(f, " (http2 error {})", u32::from(code))?;
        }
        Ok(())
    }
}

impl std::error::Error for AttemptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// What hyper's failure to bring a response header means. An empty or partial header is `error`, not
/// `invalid_header` (NU-2).
pub(crate) fn condition(error: &hyper::Error) -> Condition {
    if error.is_user() {
        // The caller's body panicked or is not as long as it said.
        Condition::Aborted
    } else if error.is_parse() {
        Condition::InvalidHeader
    } else {
        Condition::Error
    }
}

/// What a failed HTTP/2 exchange means, if the failure is HTTP/2's. NGINX takes all of them for an
/// invalid header (GR-4). Strict knows three that say that nobody has looked at the request: the stream
/// was refused, it lies beyond the last one the peer says it took (RFC 9113, 8.7), or it was never opened,
/// for want of room. They are like a kept connection that had gone.
#[cfg(feature = "http2")]
pub(crate) fn stream_outcome(error: &hyper::Error, semantics: Semantics) -> Option<Outcome> {
    let invalid = Outcome::new(Condition::InvalidHeader);
    let unprocessed = match semantics {
        Semantics::Strict => Outcome {
            condition: Condition::Error,
            sent: false,
            reused: true,
        },
        Semantics::Nginx => invalid,
    };
    if error.is_user() {
        // hyper's word for a request that waited for a stream when the connection ended.
        return Some(unprocessed);
    }
    let source = std::error::Error::source(error)?;
    let error = source.downcast_ref::<h2::Error>()?;
    if error.is_library() {
        // The peer broke the rules, and h2 would have no more of it.
        return Some(invalid);
    }
    if !error.is_remote() || error.is_io() {
        return None;
    }
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    Some(match refused || error.is_go_away() {
        true => unprocessed,
        false => invalid,
    })
}

/// What a failure to connect means: the peer's fault, unless this process may open no more files.
pub(crate) fn connect_condition(error: &BoxError) -> Condition {
    // EMFILE and ENFILE, the same on every Unix.
    const TOO_MANY: [i32; 2] = [23, 24];
    let io = error.downcast_ref::<std::io::Error>();
    let code = io.and_then(std::io::Error::raw_os_error);
    match code.is_some_and(|code| cfg!(unix) && TOO_MANY.contains(&code)) {
        true => Condition::Exhausted,
        false => Condition::Error,
    }
}

/// Bytes of a response's header block as it stood on the wire, give or take its line ends: what
/// NGINX fits into `proxy_buffer_size` (RS-3).
pub(crate) fn header_size<B>(response: &http::Response<B>) -> usize {
    let reason = response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map(|reason| reason.as_bytes().len())
        .or_else(|| response.status().canonical_reason().map(str::len))
        .unwrap_or(0);
    let status_line = "HTTP/1.1 200 ".len() + reason + 2;
    let lines = response.headers().iter();
    let lines: usize = lines
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    status_line + lines + 2
}

/// Whether the peer will keep the connection open (KA-6): a 1.1 response without `close` anywhere in
/// its Connection headers, or one in HTTP/2, which knows no such header.
pub(crate) fn keeps_alive<B>(response: &http::Response<B>) -> bool {
    let values = response.headers().get_all(http::header::CONNECTION);
    match response.version() {
        http::Version::HTTP_11 => {
            response.status() != http::StatusCode::SWITCHING_PROTOCOLS
                && values.iter().all(|value| !contains_close(value.as_bytes()))
        }
        version => version == http::Version::HTTP_2,
    }
}

fn contains_close(value: &[u8]) -> bool {
    value
        .windows(5)
        .any(|word| word.eq_ignore_ascii_case(b"close"))
}
