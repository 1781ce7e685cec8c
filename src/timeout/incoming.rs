use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName};
use http::{Extensions, Request};

use super::header::{self, GRPC_TIMEOUT};

type Trust = dyn Fn(&HeaderMap, &Extensions) -> bool + Send + Sync;

/// Whose word about time is taken, and how far.
///
/// A caller that says when it stops waiting spares the service work that nobody wants. It also decides
/// how long the service works, so nobody's word is taken unless this says so, and never beyond the
/// service's own limit: of the two the smaller holds.
///
/// Read are `grpc-timeout` and, if one is [named](Self::header), a header of whole milliseconds; of
/// several values the smallest. What cannot be understood is as if it were not there.
///
/// ```
/// use std::net::SocketAddr;
/// use std::time::Duration;
/// use axum::extract::ConnectInfo;
/// use http::HeaderName;
/// use tower_upstream::timeout::Incoming;
///
/// // Our own network may ask for less than we allow, but for no less than anything takes.
/// let incoming = Incoming::trusting(|_, extensions| {
///     let peer = extensions.get::<ConnectInfo<SocketAddr>>();
///     peer.is_some_and(|ConnectInfo(peer)| matches!(peer, SocketAddr::V4(v4) if v4.ip().is_private()))
/// })
/// .header(HeaderName::from_static("x-request-timeout"))
/// .clamp(Duration::from_millis(5)..=Duration::from_secs(30));
/// # let mut request = http::Request::get("/").header("x-request-timeout", "2").body(()).unwrap();
/// # assert_eq!(incoming.read(&request), None);
/// # let peer: SocketAddr = "10.0.0.1:80".parse().unwrap();
/// # request.extensions_mut().insert(ConnectInfo(peer));
/// # assert_eq!(incoming.read(&request), Some(Duration::from_millis(5)));
/// ```
#[derive(Clone)]
pub struct Incoming {
    trust: Arc<Trust>,
    header: Option<HeaderName>,
    min: Duration,
    max: Duration,
}

impl Incoming {
    /// Takes the word of callers for whose headers and extensions `trust` is true. The extensions hold
    /// what the server knows of the connection, such as its address or the client's certificate.
    pub fn trusting(
        trust: impl Fn(&HeaderMap, &Extensions) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            trust: Arc::new(trust),
            header: None,
            min: Duration::ZERO,
            max: Duration::MAX,
        }
    }

    /// Takes everybody's word: for a service that only its own kind can reach.
    pub fn trusting_all() -> Self {
        Self::trusting(|_, _| true)
    }

    /// Reads this header too, default none: what is left in whole milliseconds.
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = Some(name);
        self
    }

    /// What is below is raised, what is above lowered; default nothing. A minimum above zero means that
    /// work is begun for callers that say they have stopped waiting.
    ///
    /// Ends in the wrong order are taken as if the first were both.
    pub fn clamp(mut self, times: RangeInclusive<Duration>) -> Self {
        (self.min, self.max) = times.into_inner();
        self.max = self.max.max(self.min);
        self
    }

    /// How long the caller of a request waits, if it says so and its word is taken.
    pub fn read<B>(&self, request: &Request<B>) -> Option<Duration> {
        let headers = request.headers();
        let grpc = headers.get_all(GRPC_TIMEOUT).into_iter();
        let grpc = grpc.filter_map(|value| header::parse_grpc(value.as_bytes()));
        let plain = self.header.iter().flat_map(|name| headers.get_all(name));
        let plain = plain.filter_map(|value| header::parse_millis(value.as_bytes()));
        let said = grpc.chain(plain).min()?;
        (self.trust)(headers, request.extensions()).then(|| said.clamp(self.min, self.max))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("header", &self.header)
            .field("min", &self.min)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: HeaderName = HeaderName::from_static("x-request-timeout");

    fn request(headers: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request
                .headers_mut()
                .append(name, http::HeaderValue::from_static(value));
        }
        request
    }

    fn ms(millis: u64) -> Option<Duration> {
        Some(Duration::from_millis(millis))
    }

    #[test]
    fn the_smallest_of_all_values_counts() {
        let incoming = Incoming::trusting_all().header(PLAIN);
        let read = |headers: &[_]| incoming.read(&request(headers));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("grpc-timeout", "2S")]), ms(2000));
        assert_eq!(read(&[("x-request-timeout", "30")]), ms(30));
        assert_eq!(
            read(&[("grpc-timeout", "2S"), ("x-request-timeout", "30")]),
            ms(30)
        );
        assert_eq!(
            read(&[("grpc-timeout", "2S"), ("grpc-timeout", "1S")]),
            ms(1000)
        );
        assert_eq!(
            read(&[("grpc-timeout", "soon"), ("x-request-timeout", "30")]),
            ms(30)
        );
        assert_eq!(read(&[("x-request-timeout", "30ms")]), None);
    }

    #[test]
    fn a_plain_header_is_read_only_where_it_is_named() {
        let said = request(&[("x-request-timeout", "30")]);
        assert_eq!(Incoming::trusting_all().read(&said), None);
    }

    #[test]
    fn the_word_of_strangers_is_not_taken() {
        let incoming = Incoming::trusting(|headers, extensions| {
            headers.contains_key("x-ours") && extensions.get::<u8>() == Some(&7)
        });
        let mut said = request(&[("grpc-timeout", "1S"), ("x-ours", "1")]);
        assert_eq!(incoming.read(&said), None);
        said.extensions_mut().insert(7_u8);
        assert_eq!(incoming.read(&said), ms(1000));
        said.headers_mut().remove("x-ours");
        assert_eq!(incoming.read(&said), None);
    }

    #[test]
    fn what_is_said_is_clamped_from_both_sides() {
        let times = Duration::from_millis(10)..=Duration::from_secs(1);
        let incoming = Incoming::trusting_all().clamp(times);
        let read = |value| incoming.read(&request(&[("grpc-timeout", value)]));
        assert_eq!(read("0n"), ms(10));
        assert_eq!(read("500m"), ms(500));
        assert_eq!(read("99999999H"), ms(1000));
        // Not a panic, whatever order.
        let wrong = Incoming::trusting_all().clamp(Duration::from_secs(2)..=Duration::from_secs(1));
        assert_eq!(wrong.read(&request(&[("grpc-timeout", "1S")])), ms(2000));
    }
}
