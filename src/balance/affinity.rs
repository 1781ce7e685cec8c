use std::fmt;
use std::net::IpAddr;

/// What a request says of where it should go. Over HTTP it rides in the request's extensions; what
/// the group's configuration says is asked only for what is missing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Affinity {
    /// What the hash methods go by.
    pub key: Option<Key>,
    /// Whose request it is, for [`Method::IpHash`](super::Method::IpHash).
    pub client: Option<IpAddr>,
    /// The peer a sticky request is bound to.
    pub route: Option<Route>,
}

/// A hash method's key: its CRC32 and its length, which is all that NGINX's methods need of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub(super) crc: u32,
    pub(super) len: u64,
}

impl Key {
    /// The key of these bytes; none of no bytes (HS-4).
    pub fn new(bytes: impl AsRef<[u8]>) -> Option<Self> {
        let bytes = bytes.as_ref();
        (!bytes.is_empty()).then(|| Self {
            crc: crc32fast::hash(bytes),
            len: bytes.len() as u64,
        })
    }
}

/// A peer's name for sticky requests: 1 to 32 bytes (SK-1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Route {
    /// The longest name.
    pub const MAX: usize = 32;

    /// A name, unless it is empty or too long to be one.
    pub fn new(name: &str) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        bytes
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        (!name.is_empty()).then_some(Self {
            bytes,
            len: name.len() as u8,
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Route").field(&self.as_str()).finish()
    }
}
