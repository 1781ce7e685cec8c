//! gRPC's word on how a call ended: `grpc-status` in headers or trailers, and what stands for it where
//! there is none.

use http::header::{HeaderMap, HeaderName};
use http::{Response, StatusCode};

use super::Codes;
#[cfg(feature = "http2")]
use super::http::Cancelled;
#[cfg(feature = "http2")]
use crate::error::find_cause;
#[cfg(feature = "http2")]
use crate::error::{Error, ErrorKind};
#[cfg(feature = "http2")]
use crate::timeout::Elapsed;

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What headers or trailers say; `None` where they say nothing. What is no number is UNKNOWN.
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Codes> {
    let value = headers.get(GRPC_STATUS)?.to_str().ok();
    let number = value.and_then(|value| value.parse().ok());
    Some(number.map_or(Codes::UNKNOWN, Codes::of))
}

/// What a response's head says. One of HTTP's own, from somebody who does not speak gRPC, stands for
/// what gRPC says it does (its document "HTTP to gRPC Status Code Mapping"). `None` is left to trailers.
pub(crate) fn of_head<B>(response: &Response<B>) -> Option<Codes> {
    of_headers(response.headers()).or_else(|| match response.status() {
        StatusCode::OK => None,
        StatusCode::BAD_REQUEST => Some(Codes::INTERNAL),
        StatusCode::UNAUTHORIZED => Some(Codes::UNAUTHENTICATED),
        StatusCode::FORBIDDEN => Some(Codes::PERMISSION_DENIED),
        StatusCode::NOT_FOUND => Some(Codes::UNIMPLEMENTED),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Some(Codes::UNAVAILABLE),
        _ => Some(Codes::UNKNOWN),
    })
}

/// The number of the status for a call that has no answer, or whose answer broke off. A reset says
/// itself what it means (gRPC over HTTP/2, "Errors"); a connection that was lost is UNAVAILABLE.
#[cfg(feature = "http2")]
pub(crate) fn of_error(error: &(dyn std::error::Error + 'static)) -> u8 {
    const CANCELLED: u8 = 1;
    const DEADLINE_EXCEEDED: u8 = 4;
    const PERMISSION_DENIED: u8 = 7;
    const RESOURCE_EXHAUSTED: u8 = 8;
    const INTERNAL: u8 = 13;
    const UNAVAILABLE: u8 = 14;
    match find_cause::<Error>(error).map(Error::kind) {
        Some(ErrorKind::Deadline) => return DEADLINE_EXCEEDED,
        Some(ErrorKind::RequestBody) => return CANCELLED,
        Some(ErrorKind::BodyTooLarge) => return RESOURCE_EXHAUSTED,
        Some(ErrorKind::InvalidRequest) => return INTERNAL,
        _ => {}
    }
    if find_cause::<Cancelled>(error).is_some() {
        return INTERNAL;
    }
    match find_cause::<Elapsed>(error) {
        // Nobody has seen the call.
        Some(Elapsed::Connect) => return UNAVAILABLE,
        Some(_) => return DEADLINE_EXCEEDED,
        None => {}
    }
    let reset = find_cause::<h2::Error>(error).filter(|error| error.is_reset());
    match reset.and_then(h2::Error::reason) {
        None | Some(h2::Reason::REFUSED_STREAM) => UNAVAILABLE,
        Some(h2::Reason::CANCEL) => CANCELLED,
        Some(h2::Reason::ENHANCE_YOUR_CALM) => RESOURCE_EXHAUSTED,
        Some(h2::Reason::INADEQUATE_SECURITY) => PERMISSION_DENIED,
        Some(_) => INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(http: u16, grpc: Option<&str>) -> Option<Codes> {
        let mut response = Response::builder().status(http);
        if let Some(grpc) = grpc {
            response = response.header(GRPC_STATUS, grpc);
        }
        of_head(&response.body(()).unwrap())
    }

    #[test]
    fn a_status_of_grpc_goes_before_one_of_http() {
        assert_eq!(head(200, None), None);
        assert_eq!(head(200, Some("0")), Some(Codes::OK));
        assert_eq!(head(503, Some("8")), Some(Codes::RESOURCE_EXHAUSTED));
        for (http, code) in [
            (400, Codes::INTERNAL),
            (403, Codes::PERMISSION_DENIED),
            (404, Codes::UNIMPLEMENTED),
            (429, Codes::UNAVAILABLE),
            (503, Codes::UNAVAILABLE),
            (500, Codes::UNKNOWN),
        ] {
            assert_eq!(head(http, None), Some(code), "{http}");
        }
    }

    #[test]
    fn what_is_no_number_is_unknown() {
        for odd in ["", "x", "-1", "99", "300", "1.0"] {
            assert_eq!(head(200, Some(odd)), Some(Codes::UNKNOWN), "{odd}");
        }
    }
}
