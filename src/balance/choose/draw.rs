//! Draws from the primary list by weight: `hash`, `ip_hash`, `random`. Whoever is drawn may turn out
//! not to be choosable; then it is a miss and the next draw's turn.

use std::net::IpAddr;

use super::super::affinity::Key;
use super::super::peer::Peer;
use super::super::walk::Draws;

/// The weights of a list, summed up, so that a number below the total names a peer in few steps.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Shares {
    /// Where each peer's share ends.
    ends: Vec<u64>,
}

impl Shares {
    pub(in super::super) fn of(peers: &[Peer]) -> Self {
        let ends = peers.iter().scan(0, |end, peer| {
            *end += peer.weight as u64;
            Some(*end)
        });
        Self {
            ends: ends.collect(),
        }
    }

    pub(in super::super) fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whose share `slot` lies in; `slot` is below the total.
    pub(in super::super) fn owner(&self, slot: u64) -> usize {
        self.ends.partition_point(|end| *end <= slot)
    }
}

/// HS-1: the next draw of a key; the sum and the round go on across retries.
pub(in super::super) fn hash(key: Key, draws: &mut Draws, total: u64, unit: i64) -> u64 {
    let crc = match draws.round {
        0 => key.crc,
        round => prefixed(round, key),
    };
    let drawn = (crc >> 16) & 0x7fff;
    draws.at = draws.at.wrapping_add(drawn);
    draws.round += 1;
    slot(u64::from(draws.at), total, unit)
}

/// The CRC32 of the round, in decimal, and the key behind it. Of the key no more than its own CRC32
/// is needed.
fn prefixed(round: u32, key: Key) -> u32 {
    let mut digits = [0; 10];
    let mut begin = digits.len();
    let mut left = round;
    while left > 0 {
        begin -= 1;
        digits[begin] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    let mut crc = crc32fast::Hasher::new();
    crc.update(&digits[begin..]);
    crc.combine(&crc32fast::Hasher::new_with_initial_len(key.crc, key.len));
    crc.finalize()
}

/// A slot among the configured weights, where `unit` is a weight of 1.
fn slot(drawn: u64, total: u64, unit: i64) -> u64 {
    let unit = unit as u64;
    drawn % (total / unit).max(1) * unit
}

/// IP-2: one more draw of an address, from where the last one stood.
pub(in super::super) fn address(client: Option<IpAddr>, from: u32) -> u32 {
    let feed = |bytes: &[u8]| {
        let step = |h: u32, byte: &u8| (h * 113 + u32::from(*byte)) % 6271;
        bytes.iter().fold(from, step)
    };
    match client {
        Some(IpAddr::V4(v4)) => feed(&v4.octets()[..3]),
        Some(IpAddr::V6(v6)) => feed(&v6.octets()),
        // A Unix socket has none (IP-1).
        None => feed(&[0; 3]),
    }
}

/// Where IP-2 begins.
pub(in super::super) const ADDRESS_BEGIN: u32 = 89;

pub(in super::super) fn address_slot(h: u32, total: u64, unit: i64) -> u64 {
    slot(u64::from(h), total, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounds_crc_is_that_of_the_digits_and_the_key() {
        for (round, text) in [(1, "1foo"), (9, "9foo"), (10, "10foo"), (4321, "4321foo")] {
            let key = Key::new("foo").unwrap();
            assert_eq!(prefixed(round, key), crc32fast::hash(text.as_bytes()));
        }
        assert_eq!((Key::new("foo").unwrap().crc >> 16) & 0x7fff, 3187, "13.3");
    }
}
