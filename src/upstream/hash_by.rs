use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use crate::balance::Key;

/// A caller's own way from a request's head to its key.
#[derive(Clone)]
pub(super) struct HashBy(Arc<Closure>);

type Closure = dyn Fn(&Parts) -> Option<String> + Send + Sync;

impl HashBy {
    pub(super) fn new(key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(key))
    }

    pub(super) fn key(&self, head: &Parts) -> Option<Key> {
        (self.0)(head).and_then(Key::new)
    }
}

impl fmt::Debug for HashBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashBy(..)")
    }
}
