//! gRPC's health protocol: one method of two messages of one field each.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{CONTENT_TYPE, HeaderValue, TE};
use http::{HeaderMap, Request, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};

use super::failure::Failure;
use super::probe::{broken, not_connected, once};
use crate::classify::{Codes, grpc};
use crate::connect::Target;
use crate::connect::http2::connect_alone;
use crate::upstream::config::GrpcProbe;

/// More than any answer of this kind has.
const MOST: usize = 1024;

/// Asks the health service of a server, called `host`.
pub(super) async fn ask(target: &Target, probe: &GrpcProbe, host: &str) -> Result<(), Failure> {
    let never = (None, Duration::ZERO);
    let mut conn = connect_alone(target, never, once())
        .await
        .map_err(not_connected)?;
    let scheme = if target.is_secure() { "https" } else { "http" };
    let request = Request::post(format!("{scheme}://{host}/grpc.health.v1.Health/Check"))
        .version(Version::HTTP_2)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
        .header(TE, HeaderValue::from_static("trailers"))
        .body(Message(question(&probe.service)))
        .map_err(|error| Failure::Other(error.to_string()))?;
    let ready = poll_fn(|cx| conn.poll_ready(cx)).await;
    ready.map_err(|error| broken(&error))?;
    conn.send(request);
    let reply = poll_fn(|cx| conn.poll_reply(cx)).await;
    let reply = reply.map_err(|error| broken(&error.into_error()))?;
    if reply.status() != StatusCode::OK {
        return Err(Failure::Status(reply.status()));
    }
    let said = grpc::of_headers(reply.headers());
    let (message, trailers) = read(reply.into_body()).await?;
    let code = said.or_else(|| trailers.as_ref().and_then(grpc::of_headers));
    match code {
        None => Err(Failure::Answer("no grpc-status".into())),
        Some(code) if !probe.status.contains(code) => Err(Failure::Grpc(code)),
        Some(Codes::OK) => match answer(message) {
            Some(SERVING) => Ok(()),
            Some(_) => Err(Failure::NotServing),
            None => Err(Failure::Answer("no HealthCheckResponse".into())),
        },
        Some(_) => Ok(()),
    }
}

async fn read(body: hyper::body::Incoming) -> Result<(Bytes, Option<HeaderMap>), Failure> {
    let (mut body, mut whole) = (pin!(body), Vec::new());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        match frame.map_err(|error| broken(&error))?.into_data() {
            Ok(data) if whole.len() + data.len() > MOST => {
                return Err(Failure::Answer("too long".into()));
            }
            Ok(data) => whole.extend_from_slice(&data),
            Err(frame) => return Ok((whole.into(), frame.into_trailers().ok())),
        }
    }
    Ok((whole.into(), None))
}

/// `message HealthCheckRequest { string service = 1; }` behind gRPC's five bytes.
fn question(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(1 << 3 | LENGTH);
        push_varint(service.len() as u64, &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let head = [&[0][..], &length.to_be_bytes()].concat();
    [head, message].concat().into()
}

/// `ServingStatus.SERVING`
const SERVING: u64 = 1;

/// The field of `message HealthCheckResponse { ServingStatus status = 1; }`, 0 if it is left out;
/// nothing if there is no such message.
fn answer(mut framed: Bytes) -> Option<u64> {
    if framed.len() < 5 || framed.get_u8() != 0 {
        return None;
    }
    let length = framed.get_u32() as usize;
    let mut message = framed.get(..length)?;
    let mut status = 0;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let skipped = match key as u8 & 7 {
            VARINT => {
                let value = varint(&mut message)?;
                if key >> 3 == 1 {
                    status = value;
                }
                0
            }
            FIXED_64 => 8,
            LENGTH => usize::try_from(varint(&mut message)?).ok()?,
            FIXED_32 => 4,
            _ => return None,
        };
        message = message.get(skipped..)?;
    }
    Some(status)
}

// Protobuf's wire types.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH: u8 = 2;
const FIXED_32: u8 = 5;

fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A body of one piece.
struct Message(Bytes);

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = std::mem::take(&mut self.0);
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_as_short_as_can_be() {
        assert_eq!(&question("")[..], b"\0\0\0\0\0");
        assert_eq!(&question("a.B")[..], b"\0\0\0\0\x05\x0a\x03a.B");
        let long = question(&"x".repeat(300));
        assert_eq!(&long[..8], b"\0\0\0\x01\x2f\x0a\xac\x02");
    }

    #[test]
    fn answers_are_found_among_fields_nobody_knows() {
        for (bytes, status) in [
            (&b"\0\0\0\0\x02\x08\x01"[..], Some(1)),
            (b"\0\0\0\0\0", Some(0)),
            (b"\0\0\0\0\x03\x08\x81\x01", Some(129)),
            (b"\0\0\0\0\x06\x12\x02hi\x08\x01", Some(1)),
            (b"\0\0\0\0\x07\x1d....\x08\x02", Some(2)),
            (b"\0\0\0\0\x0b\x21........\x08\x01", Some(1)),
            // Compressed, cut short, or no message at all.
            (b"\x01\0\0\0\x02\x08\x01", None),
            (b"\0\0\0\0\x03\x08\x01", None),
            (b"\0\0\0\0\x02\x12\x05", None),
            (b"\0\0\0\0\x01\x0b", None),
            (
                b"\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                None,
            ),
            (b"", None),
        ] {
            let bytes = Bytes::from_static(bytes);
            assert_eq!(answer(bytes.clone()), status, "{bytes:?}");
        }
    }
}
