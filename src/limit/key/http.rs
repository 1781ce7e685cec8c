use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

use http::{HeaderName, Request};

use super::{Key, Keys};

/// By the value of a header. Requests without it are not limited: the header is one that a proxy or a
/// layer in front sets, or whoever leaves it out goes free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(HeaderName);

impl Header {
    /// This header; of several, the first.
    pub fn new(name: HeaderName) -> Self {
        Self(name)
    }
}

impl<B> Keys<Request<B>> for Header {
    fn key<'a>(&self, request: &'a Request<B>) -> Key<'a> {
        request
            .headers()
            .get(&self.0)
            .map(|value| value.as_bytes())
            .into()
    }
}

/// By the client's address (`$binary_remote_addr`): a [`SocketAddr`] among the request's extensions.
///
/// Servers have types of their own for it; [`from_extension`](Self::from_extension) reads those:
///
/// ```
/// use std::net::SocketAddr;
/// use axum::extract::ConnectInfo;
/// use http::Request;
/// use tower_upstream::limit::{ClientAddress, Key, Keys};
///
/// type Peer = ConnectInfo<SocketAddr>; // Router::into_make_service_with_connect_info
/// let keys = ClientAddress::from_extension(|peer: &Peer| Some(peer.0.ip()));
///
/// let mut request = Request::new(());
/// request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 7], 4711))));
/// assert_eq!(keys.key(&request).as_bytes(), [10, 0, 0, 7]);
/// ```
///
/// Requests whose address is unknown are counted together under `-`. A server that forgot to hand over
/// addresses then limits everybody as one, which is noticed, and not nobody, which is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientAddress;

impl ClientAddress {
    /// By an extension of another type, and what it says of the address.
    pub fn from_extension<T, F>(address: F) -> Extension<T, F>
    where
        T: Send + Sync + 'static,
        F: Fn(&T) -> Option<IpAddr>,
    {
        Extension {
            address,
            extension: PhantomData,
        }
    }
}

impl<B> Keys<Request<B>> for ClientAddress {
    fn key<'a>(&self, request: &'a Request<B>) -> Key<'a> {
        known(request.extensions().get().map(SocketAddr::ip))
    }
}

/// By the client's address in an extension of type `T`; see [`ClientAddress::from_extension`].
pub struct Extension<T, F> {
    address: F,
    extension: PhantomData<fn(&T)>,
}

impl<B, T, F> Keys<Request<B>> for Extension<T, F>
where
    T: Send + Sync + 'static,
    F: Fn(&T) -> Option<IpAddr>,
{
    fn key<'a>(&self, request: &'a Request<B>) -> Key<'a> {
        known(request.extensions().get().and_then(&self.address))
    }
}

fn known(address: Option<IpAddr>) -> Key<'static> {
    address.map_or(Key::from("-"), Key::from)
}

impl<T, F: Clone> Clone for Extension<T, F> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            extension: PhantomData,
        }
    }
}

impl<T, F> fmt::Debug for Extension<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Extension")
            .field(&std::any::type_name::<T>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_the_key_and_without_it_there_is_none() {
        let keys = Header::new(HeaderName::from_static("x-tenant"));
        let named = Request::get("/").header("x-tenant", "blue").body(());
        assert_eq!(keys.key(&named.unwrap()).as_bytes(), b"blue");
        assert!(keys.key(&Request::new(())).is_none());
    }

    #[test]
    fn clients_without_an_address_are_one() {
        let mut request = Request::new(());
        assert_eq!(ClientAddress.key(&request).as_bytes(), b"-");
        let address = SocketAddr::from(([192, 0, 2, 1], 80));
        request.extensions_mut().insert(address);
        assert_eq!(ClientAddress.key(&request).as_bytes(), [192, 0, 2, 1]);
    }
}
