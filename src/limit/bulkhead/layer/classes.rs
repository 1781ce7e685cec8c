#[cfg(feature = "http")]
use http::{HeaderName, Request};

use crate::limit::bulkhead::Class;

/// Tells how much requests matter. Asked once for each request.
///
/// A function from `&Req` to [`Class`] is one.
pub trait Classes<Req> {
    /// How much this one matters.
    fn class(&self, request: &Req) -> Class;
}

impl<Req, F: Fn(&Req) -> Class> Classes<Req> for F {
    fn class(&self, request: &Req) -> Class {
        self(request)
    }
}

/// All requests matter alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alike;

impl<Req> Classes<Req> for Alike {
    fn class(&self, _: &Req) -> Class {
        Class::default()
    }
}

/// As a header says: `critical-plus`, `critical`, `sheddable-plus` or `sheddable`. Anything else, and
/// none, is [`Class::Critical`].
///
/// Callers are believed. Where they are not ours, a layer in front removes the header, or what it says
/// is decided by a closure.
#[cfg(feature = "http")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassHeader(HeaderName);

#[cfg(feature = "http")]
impl ClassHeader {
    /// This header; of several, the first.
    pub fn new(name: HeaderName) -> Self {
        Self(name)
    }
}

#[cfg(feature = "http")]
impl<B> Classes<Request<B>> for ClassHeader {
    fn class(&self, request: &Request<B>) -> Class {
        let value = request.headers().get(&self.0);
        let text = value.and_then(|value| value.to_str().ok());
        text.and_then(|text| text.trim().parse().ok())
            .unwrap_or_default()
    }
}
