//! What a request's headers say of its time.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::answer::HttpAnswer;
use crate::timeout::header::{self, GRPC_TIMEOUT};

fn is_grpc(headers: &HeaderMap) -> bool {
    HttpAnswer::of(headers) == HttpAnswer::Grpc
}

/// How long the maker of a gRPC request waits.
pub(super) fn said(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get(GRPC_TIMEOUT)?;
    is_grpc(headers).then(|| header::parse_grpc(said.as_bytes()))?
}

/// Writes down what is left: gRPC's way, or in the header named, if there is one. A request that says
/// less itself has its way.
pub(super) fn tell(headers: &mut HeaderMap, left: Duration, plain: Option<&HeaderName>) {
    if is_grpc(headers) {
        let said = headers.get(GRPC_TIMEOUT);
        let said = said.and_then(|said| header::parse_grpc(said.as_bytes()));
        headers.insert(
            GRPC_TIMEOUT,
            header::grpc(said.map_or(left, |said| said.min(left))),
        );
    } else if let Some(name) = plain {
        let said = headers.get(name);
        let said = said.and_then(|said| header::parse_millis(said.as_bytes()));
        headers.insert(
            name,
            header::millis(said.map_or(left, |said| said.min(left))),
        );
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PLAIN: HeaderName = HeaderName::from_static("x-request-timeout");

    type Field = (&'static str, &'static str);

    fn headers(fields: &[Field]) -> HeaderMap {
        let fields = fields.iter().map(|(name, value)| {
            let value = HeaderValue::from_static(value);
            (HeaderName::from_static(name), value)
        });
        fields.collect()
    }

    fn told(fields: &[Field], plain: Option<&HeaderName>) -> Vec<String> {
        let mut headers = headers(fields);
        tell(&mut headers, Duration::from_millis(1500), plain);
        let value = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        [value(GRPC_TIMEOUT), value(PLAIN)]
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect()
    }

    #[test]
    fn grpc_says_it_always_and_others_where_a_header_is_named() {
        let grpc = ("content-type", "application/grpc+proto");
        assert_eq!(told(&[grpc], None), ["1500000u", ""]);
        assert_eq!(told(&[grpc], Some(&PLAIN)), ["1500000u", ""]);
        assert_eq!(told(&[], Some(&PLAIN)), ["", "1500"]);
        assert_eq!(told(&[], None), ["", ""]);
        // Web clients' own way, which has no timeouts.
        let web = ("content-type", "application/grpc-web");
        assert_eq!(told(&[web], Some(&PLAIN)), ["", "1500"]);
    }

    #[test]
    fn what_a_request_says_itself_is_lowered_and_never_raised() {
        let grpc = ("content-type", "application/grpc");
        assert_eq!(told(&[grpc, ("grpc-timeout", "2S")], None)[0], "1500000u");
        assert_eq!(told(&[grpc, ("grpc-timeout", "1S")], None)[0], "1000000u");
        assert_eq!(told(&[grpc, ("grpc-timeout", "soon")], None)[0], "1500000u");
        assert_eq!(
            told(&[("x-request-timeout", "9000")], Some(&PLAIN))[1],
            "1500"
        );
        assert_eq!(told(&[("x-request-timeout", "20")], Some(&PLAIN))[1], "20");
    }

    #[test]
    fn only_grpc_requests_say_something() {
        let grpc = ("content-type", "application/grpc");
        let two = ("grpc-timeout", "2S");
        assert_eq!(said(&headers(&[grpc, two])), Some(Duration::from_secs(2)));
        assert_eq!(said(&headers(&[two])), None);
        assert_eq!(said(&headers(&[grpc])), None);
        assert_eq!(said(&headers(&[grpc, ("grpc-timeout", "2")])), None);
    }
}
