use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::backoff::Pushback;

/// gRFC A6.
const GRPC_PUSHBACK: &str = "grpc-retry-pushback-ms";

impl Pushback {
    /// What a response's headers, or a gRPC response's trailers, say; gRPC's word goes first, as it is
    /// the more exact. `now` is the time since 1970, which a date is compared with.
    pub fn of_headers(headers: &HeaderMap, now: Duration) -> Option<Self> {
        if let Some(pushback) = Self::of_grpc_headers(headers) {
            return Some(pushback);
        }
        let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
        Self::of_retry_after(value, now)
    }

    /// gRPC's word alone.
    pub(crate) fn of_grpc_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(GRPC_PUSHBACK)?;
        Some(Self::of_grpc(value.as_bytes()))
    }

    /// The value of `Retry-After`: whole seconds or a date (RFC 9110, 10.2.3). What is neither says
    /// nothing; a date that has passed asks for no wait.
    pub fn of_retry_after(value: &str, now: Duration) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More seconds than there are is still a long time.
            let seconds = value.parse().unwrap_or(u64::MAX);
            return Some(Self::After(Duration::from_secs(seconds)));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let date = date.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(Self::After(date.saturating_sub(now)))
    }

    /// The value of `grpc-retry-pushback-ms`: whole milliseconds. A negative one, or one that cannot
    /// be understood, is a request not to retry at all (gRFC A6).
    pub fn of_grpc(value: &[u8]) -> Self {
        let text = std::str::from_utf8(value).ok();
        let ms = text.and_then(|text| text.trim().parse::<i32>().ok());
        match ms.and_then(|ms| u64::try_from(ms).ok()) {
            Some(ms) => Self::After(Duration::from_millis(ms)),
            None => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples.
    const THEN: Duration = Duration::from_secs(784_111_777);

    fn after(seconds: u64) -> Option<Pushback> {
        Some(Pushback::After(Duration::from_secs(seconds)))
    }

    #[test]
    fn retry_after_is_seconds() {
        let said = |value| Pushback::of_retry_after(value, THEN);
        assert_eq!(said("0"), after(0));
        assert_eq!(said("120"), after(120));
        assert_eq!(said(" 7 "), after(7));
        assert_eq!(said("99999999999999999999999999"), after(u64::MAX));
        for nonsense in ["", "-1", "+1", "1.5", "soon", "1 s", "0x10"] {
            assert_eq!(said(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn retry_after_is_a_date_in_any_of_its_three_forms() {
        let said = |value| Pushback::of_retry_after(value, THEN);
        assert_eq!(said("Sun, 06 Nov 1994 08:49:40 GMT"), after(3));
        assert_eq!(said("Sunday, 06-Nov-94 08:49:40 GMT"), after(3));
        assert_eq!(said("Sun Nov  6 08:49:40 1994"), after(3));
        // A fraction of a second of our own counts.
        let later = THEN + Duration::from_millis(2_250);
        let left = Pushback::of_retry_after("Sun, 06 Nov 1994 08:49:40 GMT", later);
        assert_eq!(left, Some(Pushback::After(Duration::from_millis(750))));
        assert_eq!(said("Sun, 06 Nov 1994 08:49:36 GMT"), after(0));
        assert_eq!(said("Sun, 06 Nov 1994 08:49:40"), None);
    }

    #[test]
    fn grpc_pushback_is_milliseconds_or_a_refusal() {
        let ms = |ms| Pushback::After(Duration::from_millis(ms));
        assert_eq!(Pushback::of_grpc(b"0"), ms(0));
        assert_eq!(Pushback::of_grpc(b"1500"), ms(1500));
        for refusal in ["-1", "-9999", "", "x", "1.5", "99999999999"] {
            assert_eq!(
                Pushback::of_grpc(refusal.as_bytes()),
                Pushback::Never,
                "{refusal}"
            );
        }
        assert_eq!(Pushback::of_grpc(b"\xff"), Pushback::Never);
    }

    #[test]
    fn headers_are_looked_at_grpc_first() {
        let mut headers = HeaderMap::new();
        assert_eq!(Pushback::of_headers(&headers, THEN), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("4"));
        assert_eq!(Pushback::of_headers(&headers, THEN), after(4));
        headers.insert(GRPC_PUSHBACK, HeaderValue::from_static("-1"));
        assert_eq!(Pushback::of_headers(&headers, THEN), Some(Pushback::Never));
    }
}
