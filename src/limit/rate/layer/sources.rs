use crate::limit::{Key, Keys};

/// Tells for each limit of a layer whose request it is.
pub trait KeySet<Req> {
    /// Whose request this is, as that limit counts (from 0).
    fn key_for<'a>(&self, limit: usize, request: &'a Req) -> Key<'a>;
}

/// The keys of a layer's only limit.
#[derive(Clone, Copy, Debug)]
pub struct One<K>(pub(super) K);

impl<Req, K: Keys<Req>> KeySet<Req> for One<K> {
    fn key_for<'a>(&self, _: usize, request: &'a Req) -> Key<'a> {
        self.0.key(request)
    }
}

/// The keys of several limits, and those of one more.
#[derive(Clone, Copy, Debug)]
pub struct Both<A, K> {
    pub(super) first: A,
    pub(super) last: K,
    /// The last one's number.
    pub(super) at: usize,
}

impl<Req, A: KeySet<Req>, K: Keys<Req>> KeySet<Req> for Both<A, K> {
    fn key_for<'a>(&self, limit: usize, request: &'a Req) -> Key<'a> {
        match limit == self.at {
            true => self.last.key(request),
            false => self.first.key_for(limit, request),
        }
    }
}
