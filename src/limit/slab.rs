//! What keys take of a zone of a given size in NGINX on 64 bits, whose allocator gives out powers of two.
//! Ours take as much, give or take.

const PAGE: u64 = 4096;

/// What one kind of zone keeps for each of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slab {
    /// Beside the key itself.
    pub(super) node: u64,
    /// The smallest place for a key that is no longer than an address.
    pub(super) place: u64,
}

impl Slab {
    /// The bytes that one more key takes: the next power of two, whole pages for the longest.
    pub(super) fn cost(self, key: &[u8]) -> u64 {
        let bytes = self.node + key.len() as u64;
        match bytes {
            ..=2048 => bytes.next_power_of_two().max(self.place),
            _ => bytes.next_multiple_of(PAGE),
        }
    }

    /// What is left for keys of a zone of so many bytes: the allocator takes some for itself, some for
    /// each page, and the module a page and a place.
    pub(super) fn left_of(self, bytes: u64) -> u64 {
        const POOL: u64 = 704;
        const PAGE_ENTRY: u64 = 24;
        let pages = bytes.saturating_sub(POOL) / (PAGE + PAGE_ENTRY);
        (pages.saturating_sub(1) * PAGE).saturating_sub(self.place)
    }
}
