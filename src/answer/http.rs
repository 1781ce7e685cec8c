use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};

use super::{Answer, Answers, Field, Refusal};
use crate::timeout::Deadline;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// gRFC A6.
const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// Refusals are responses, and the service's error type stays what it is: `Infallible` in axum.
///
/// HTTP callers get the refusal's status and an empty body, with `Retry-After` in whole seconds,
/// rounded up, if it is known. Callers whose `Content-Type` says `application/grpc` get what gRPC calls
/// a trailers-only response: 200, `grpc-status`, `grpc-message`, and `grpc-retry-pushback-ms` in place
/// of `Retry-After`. The [`Reason`](super::Reason) is among the response's extensions, for layers in
/// front that count.
///
/// Any response body will do that can be empty by default.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
/// use axum::body::Body;
/// use http::{Request, Response, header::RETRY_AFTER};
/// use tower_upstream::answer::{Answer, Answers, HttpAnswers, Reason, Refusal};
///
/// let refusal = Refusal::new(Reason::RateLimited).with_retry_after(Duration::from_millis(90));
/// let ask = |request: &Request<()>| -> Result<Response<Body>, Infallible> {
///     HttpAnswers.answer(request).refuse(refusal.clone())
/// };
///
/// let response = ask(&Request::new(()))?;
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()[RETRY_AFTER], "1");
///
/// let call = Request::post("/Greeter/Hello").header("content-type", "application/grpc").body(())?;
/// let response = ask(&call)?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.headers()["grpc-status"], "8");
/// assert_eq!(response.headers()["grpc-retry-pushback-ms"], "90");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswers;

/// What the caller of a request understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpAnswer {
    /// Statuses.
    Http,
    /// `grpc-status`.
    Grpc,
}

impl HttpAnswer {
    /// By the request's `Content-Type`. gRPC-Web is HTTP here: its clients know what statuses mean.
    pub fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let rest = kind.and_then(|kind| kind.split_at_checked("application/grpc".len()));
        match rest {
            Some((kind, b"" | [b'+' | b';', ..]))
                if kind.eq_ignore_ascii_case(b"application/grpc") =>
            {
                Self::Grpc
            }
            _ => Self::Http,
        }
    }

    fn response<B: Default>(self, refusal: Refusal) -> Response<B> {
        let mut response = Response::new(B::default());
        response.extensions_mut().insert(refusal.reason());
        let retry_after = refusal.retry_after();
        let headers = response.headers_mut();
        match self {
            Self::Http => {
                if let Some(time) = retry_after {
                    headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(time)));
                }
                *response.status_mut() = StatusCode::from_u16(refusal.status())
                    .unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            }
            Self::Grpc => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                let status = u16::from(refusal.reason().grpc_status());
                headers.insert(GRPC_STATUS, HeaderValue::from(status));
                grpc_message(headers, &refusal.to_string());
                if let Some(time) = retry_after {
                    headers.insert(GRPC_PUSHBACK, HeaderValue::from(whole_millis(time)));
                }
            }
        }
        append(response.headers_mut(), refusal.into_fields());
        response
    }
}

impl<B> Answers<Request<B>> for HttpAnswers {
    type Answer = HttpAnswer;

    fn answer(&self, request: &Request<B>) -> HttpAnswer {
        HttpAnswer::of(request.headers())
    }

    /// The smaller of the one that the request carries and the current one.
    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        let carried = request.extensions().get().copied();
        Deadline::either(carried, Deadline::current())
    }
}

impl<B: Default, Err> Answer<Response<B>, Err> for HttpAnswer {
    type Error = Err;

    fn refuse(self, refusal: Refusal) -> Result<Response<B>, Err> {
        Ok(self.response(refusal))
    }

    fn error(error: Err) -> Err {
        error
    }

    fn annotate(&self, response: &mut Response<B>, fields: Vec<Field>) {
        append(response.headers_mut(), fields);
    }
}

/// Appended, as another layer may have said something under the same name (RFC 9110, 5.3).
fn append(headers: &mut HeaderMap, fields: Vec<Field>) {
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
}

/// Rounded up: who comes back after so many seconds must not come too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// Rounded up, and no more than what callers are bound to understand (32 bits, gRFC A6).
fn whole_millis(time: Duration) -> u32 {
    let millis = time.as_nanos().div_ceil(1_000_000);
    u32::try_from(millis).map_or(i32::MAX as u32, |millis| millis.min(i32::MAX as u32))
}

/// What is said beside a gRPC status.
pub(crate) fn grpc_message(headers: &mut HeaderMap, text: &str) {
    if let Ok(message) = HeaderValue::try_from(percent_encoded(text)) {
        headers.insert(GRPC_MESSAGE, message);
    }
}

/// `grpc-message` as gRPC over HTTP/2 wants it: what is not printable ASCII, and the percent sign
/// itself, as `%` and two digits.
fn percent_encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
                encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::answer::Reason;

    fn refuse(kind: Option<&str>, refusal: Refusal) -> Response<String> {
        let mut request = Request::new(());
        if let Some(kind) = kind {
            let kind = HeaderValue::from_str(kind).unwrap();
            request.headers_mut().insert(CONTENT_TYPE, kind);
        }
        let answer: Result<_, Infallible> = HttpAnswers.answer(&request).refuse(refusal);
        answer.unwrap()
    }

    fn after(time: Duration) -> Refusal {
        Refusal::new(Reason::Full).with_retry_after(time)
    }

    #[test]
    fn retry_after_is_never_too_early() {
        let seconds = |time| refuse(None, after(time)).headers()[RETRY_AFTER].clone();
        assert_eq!(seconds(Duration::ZERO), "0");
        assert_eq!(seconds(Duration::from_nanos(1)), "1");
        assert_eq!(seconds(Duration::from_millis(900)), "1");
        assert_eq!(seconds(Duration::from_secs(2)), "2");
        assert_eq!(seconds(Duration::from_millis(2001)), "3");
        assert_eq!(seconds(Duration::MAX), u64::MAX.to_string());
        assert!(
            refuse(None, Refusal::new(Reason::Full))
                .headers()
                .is_empty()
        );
    }

    #[test]
    fn grpc_callers_get_a_trailers_only_response() {
        let grpc = Some("application/grpc+proto");
        for (reason, code) in [
            (Reason::RateLimited, "8"),
            (Reason::Full, "8"),
            (Reason::Shed, "14"),
            (Reason::Open, "14"),
            (Reason::Deadline, "4"),
            (Reason::Timeout, "4"),
        ] {
            let response = refuse(grpc, Refusal::new(reason).with_status(429));
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "application/grpc");
            assert_eq!(response.headers()["grpc-status"], code);
            assert_eq!(response.headers()["grpc-message"], *reason.to_string());
            assert_eq!(response.headers().len(), 3);
            assert_eq!(response.extensions().get(), Some(&reason));
            assert_eq!(response.body(), "");
        }
    }

    #[test]
    fn pushback_is_in_milliseconds_that_fit() {
        let millis = |time| {
            let response = refuse(Some("application/grpc"), after(time));
            assert!(!response.headers().contains_key(RETRY_AFTER));
            response.headers()[GRPC_PUSHBACK].clone()
        };
        assert_eq!(millis(Duration::ZERO), "0");
        assert_eq!(millis(Duration::from_micros(90_001)), "91");
        assert_eq!(millis(Duration::MAX), i32::MAX.to_string());
    }

    #[test]
    fn a_message_is_percent_encoded() {
        let said = |message: &'static str| {
            let refusal = Refusal::new(Reason::Shed).with_message(message);
            refuse(Some("application/grpc"), refusal).headers()["grpc-message"].clone()
        };
        assert_eq!(said("50 % of it~"), "50 %25 of it~");
        assert_eq!(said("zu spät\r\n"), "zu sp%C3%A4t%0D%0A");
    }

    #[test]
    fn who_speaks_grpc_is_told_by_the_content_type() {
        let status = |kind| refuse(kind, Refusal::new(Reason::Shed)).status().as_u16();
        for kind in [
            "application/grpc",
            "Application/GRPC;x=y",
            "application/grpc+json",
        ] {
            assert_eq!(status(Some(kind)), 200, "{kind}");
        }
        assert_eq!(status(None), 503);
        for kind in [
            "application/grpc-web",
            "application/grpcish",
            "application/json",
            "",
        ] {
            assert_eq!(status(Some(kind)), 503, "{kind}");
        }
    }

    #[test]
    fn fields_are_added_to_what_is_there() {
        let refusal = Refusal::new(Reason::RateLimited)
            .with_status(429)
            .with_field("ratelimit", "\"a\";r=0;t=1")
            .with_field("ratelimit", "\"b\";r=3")
            .with_field("no name", "left out")
            .with_field("no-value", "\n");
        let response = refuse(None, refusal);
        assert_eq!(response.status(), 429);
        let values: Vec<_> = response.headers().get_all("ratelimit").iter().collect();
        assert_eq!(values, ["\"a\";r=0;t=1", "\"b\";r=3"]);
        assert_eq!(response.headers().len(), 2);
    }

    #[test]
    fn a_status_that_is_none_is_a_503() {
        assert_eq!(
            refuse(None, Refusal::new(Reason::Full).with_status(42)).status(),
            503
        );
    }
}
