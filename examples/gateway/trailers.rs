//! What a client is told behind the body of its answer.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Version};

use crate::exchange::Exchange;
use crate::plan::Forward;
use crate::respond::{is_hop, is_usual};
use crate::variables::eval;

/// Which trailers there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// `add_trailer`s.
    pub own: bool,
    /// What the peer sends (`proxy_pass_trailers`).
    pub peers: bool,
}

impl Due {
    /// What is due once the body of `x`, whose status is known, has ended.
    pub fn of(x: &Exchange) -> Self {
        let no_body = x.method == Method::HEAD || matches!(x.status, 101 | 204 | 304);
        if no_body || !matches!(x.version, Version::HTTP_11 | Version::HTTP_2) {
            return Self::default();
        }
        let mut own = x.at().add_trailers.iter();
        Self {
            own: own.any(|trailer| trailer.always || is_usual(x.status)),
            peers: forward(x).is_some_and(|forward| forward.pass.pass_trailers),
        }
    }

    /// Whether there will be none.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

fn forward(x: &Exchange) -> Option<&Forward> {
    x.plan().places[x.proxied?].forward.as_ref()
}

/// The trailers, their names as they are to be written.
pub fn collect(x: &Exchange, due: Due, peers: Option<HeaderMap>) -> Vec<(String, HeaderValue)> {
    let mut all = Vec::new();
    if let (Some(forward), true) = (forward(x), due.peers) {
        for (name, value) in peers.iter().flatten() {
            if !is_hop(name) && *name != header::CONTENT_LENGTH && !forward.hide.contains(name) {
                let shown = match forward.pass.scheme.is_grpc() {
                    true => name.as_str().to_owned(),
                    false => title(name),
                };
                all.push((shown, value.clone()));
            }
        }
    }
    let usual = is_usual(x.status);
    let own = x.at().add_trailers.iter();
    for trailer in own.filter(|trailer| due.own && (usual || trailer.always)) {
        let text = eval(&trailer.value, x);
        if let Ok(value) = HeaderValue::from_str(&text) {
            if !value.is_empty() {
                all.push((trailer.name.clone(), value));
            }
        }
    }
    all
}

/// As HTTP/1 has them, behind the last chunk.
pub fn write(trailers: &[(String, HeaderValue)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in trailers {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// As HTTP/2 has them; nothing for none.
pub fn map(trailers: Vec<(String, HeaderValue)>) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in trailers {
        map.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    (!map.is_empty()).then_some(map)
}

/// `Grpc-Status`
fn title(name: &HeaderName) -> String {
    let mut up = true;
    let letters = name.as_str().chars().map(|letter| {
        let letter = if up {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        up = letter == '-';
        letter
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_capitals() {
        let name = HeaderName::from_static("x-grpc-status");
        assert_eq!(title(&name), "X-Grpc-Status");
    }

    #[test]
    fn the_same_in_both_versions() {
        let one = |name: &str, value| (name.to_owned(), HeaderValue::from_static(value));
        let trailers = vec![one("X-A", "1"), one("X-A", "2"), one("b", "3")];
        assert_eq!(write(&trailers), b"X-A: 1\r\nX-A: 2\r\nb: 3\r\n");
        let map = map(trailers).expect("three");
        assert_eq!(map.get_all("x-a").iter().count(), 2);
        assert_eq!(super::map(Vec::new()), None);
    }
}
