#[cfg(feature = "http")]
mod http;

#[cfg(feature = "http")]
pub use http::{ClientAddress, Extension, Header};

use std::fmt;
use std::net::IpAddr;

/// Whose request it is: bytes that those counted together have in common. Without any, a request is
/// not limited (LR-6, LN-3).
///
/// Short ones are kept in place, those that stand in the request are borrowed from it, so that only a
/// key made of new text allocates.
#[derive(Clone)]
pub struct Key<'a>(Kind<'a>);

#[derive(Clone)]
enum Kind<'a> {
    Borrowed(&'a [u8]),
    Short([u8; 16], u8),
    Owned(Box<[u8]>),
}

impl Key<'_> {
    /// The key of a request that is not limited.
    pub const NONE: Key<'static> = Key(Kind::Borrowed(&[]));

    /// The request is not limited.
    pub fn is_none(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// What is counted under.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Borrowed(bytes) => bytes,
            Kind::Short(bytes, length) => &bytes[..usize::from(*length)],
            Kind::Owned(bytes) => bytes,
        }
    }

    fn short(bytes: &[u8]) -> Option<Self> {
        let mut place = [0; 16];
        place.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self(Kind::Short(place, bytes.len() as u8)))
    }
}

impl<'a> From<&'a [u8]> for Key<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Kind::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Self {
        text.as_bytes().into()
    }
}

impl From<Vec<u8>> for Key<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::short(&bytes).unwrap_or_else(|| Self(Kind::Owned(bytes.into())))
    }
}

impl From<String> for Key<'_> {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

/// In binary form, as `$binary_remote_addr`. An IPv4 address is the same in either family.
impl From<IpAddr> for Key<'_> {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::short(&address.octets()).unwrap_or(Key::NONE),
            IpAddr::V6(address) => Self(Kind::Short(address.octets(), 16)),
        }
    }
}

impl From<u64> for Key<'_> {
    fn from(number: u64) -> Self {
        Self::short(&number.to_be_bytes()).unwrap_or(Key::NONE)
    }
}

/// Nothing is no key.
impl<'a, T: Into<Key<'a>>> From<Option<T>> for Key<'a> {
    fn from(key: Option<T>) -> Self {
        key.map_or(Key::NONE, Into::into)
    }
}

impl PartialEq<Key<'_>> for Key<'_> {
    fn eq(&self, other: &Key<'_>) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key<'_> {}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(\"{}\")", self.as_bytes().escape_ascii())
    }
}

/// Tells whose requests are counted together. Asked once for each request, before anything is counted.
///
/// A function from `&Req` to [`Key`] is one.
pub trait Keys<Req> {
    /// Whose request this is.
    fn key<'a>(&self, request: &'a Req) -> Key<'a>;
}

impl<Req, F> Keys<Req> for F
where
    F: for<'a> Fn(&'a Req) -> Key<'a>,
{
    fn key<'a>(&self, request: &'a Req) -> Key<'a> {
        self(request)
    }
}

/// All requests are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Everyone;

impl<Req> Keys<Req> for Everyone {
    fn key<'a>(&self, _: &'a Req) -> Key<'a> {
        Key::from("*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_bytes_wherever_they_are() {
        let long = "x".repeat(17);
        assert_eq!(Key::from(long.as_str()), Key::from(long.clone()));
        assert_eq!(Key::from("short"), Key::from("short".to_owned()));
        assert_eq!(Key::from(7).as_bytes(), [0, 0, 0, 0, 0, 0, 0, 7]);
        assert_ne!(Key::from("a"), Key::from("b"));
    }

    #[test]
    fn nothing_and_the_empty_text_are_no_key() {
        assert!(Key::from(None::<u64>).is_none());
        assert!(Key::from(String::new()).is_none());
        assert!(!Key::from(Some(0)).is_none());
    }

    #[test]
    fn an_ipv4_address_is_one_client_in_either_family() {
        let key = |text: &str| Key::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(key("10.0.0.1"), key("::ffff:10.0.0.1"));
        assert_eq!(key("10.0.0.1").as_bytes().len(), 4);
        assert_eq!(key("2001:db8::1").as_bytes().len(), 16);
    }
}
