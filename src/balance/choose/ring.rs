use std::collections::HashMap;
use std::sync::Arc;

use super::super::affinity::Key;
use super::super::peer::Peer;

/// NGINX's ring of 160 points per unit of weight (CH), which is that of its fleet-mates: a fleet can
/// be moved node by node.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Ring {
    /// Hash and origin, by hash; no hash twice.
    points: Vec<(u32, u32)>,
    /// Where the points begin whose hash begins with these bits; about eight for each. A search in
    /// halves would touch memory at seventeen places for a thousand peers.
    starts: Vec<u32>,
    /// Takes the other bits away.
    shift: u32,
    /// The peers of each origin, in list order; several when a name had several addresses.
    peers: Vec<u32>,
    /// Where each origin's peers end.
    ends: Vec<u32>,
}

const POINTS: i64 = 160;

/// Heavier peers have the points of this weight: NGINX has no limit, and no memory left for
/// `weight=100000000`.
const HEAVIEST: i64 = 1000;

impl Ring {
    pub(in super::super) fn of(peers: &[Peer], unit: i64) -> Self {
        let mut ring = Self::default();
        let mut known: HashMap<Arc<str>, usize> = HashMap::new();
        let mut origins: Vec<Vec<u32>> = Vec::new();
        for (index, peer) in peers.iter().enumerate() {
            let origin = *known
                .entry(Arc::clone(&peer.origin))
                .or_insert(origins.len());
            if origin == origins.len() {
                origins.push(Vec::new());
            }
            origins[origin].push(index as u32);
            let weight = (peer.weight / unit).min(HEAVIEST);
            let points = points(&peer.origin).take((POINTS * weight) as usize);
            ring.points.extend(points.map(|hash| (hash, origin as u32)));
        }
        for peers in origins {
            ring.peers.extend(peers);
            ring.ends.push(ring.peers.len() as u32);
        }
        // Stable, so that of two equal hashes the earlier peer's survives (CH-2).
        ring.points.sort_by_key(|(hash, _)| *hash);
        ring.points.dedup_by_key(|(hash, _)| *hash);
        ring.index();
        ring
    }

    fn index(&mut self) {
        let bits = (self.points.len() / 8).max(2).ilog2();
        self.shift = u32::BITS - bits;
        let mut at = 0;
        let start = |begin: u32| {
            let left = self.points[at..].iter();
            at += left
                .take_while(|(hash, _)| *hash >> self.shift < begin)
                .count();
            at as u32
        };
        self.starts = (0..1 << bits).map(start).collect();
    }

    /// CH-3: the first point at or after the key's hash; past the last it is the first of all.
    pub(in super::super) fn find(&self, key: Key) -> u32 {
        let begin = self.starts.get((key.crc >> self.shift) as usize);
        let begin = begin.copied().unwrap_or(0);
        let after = self.points[begin as usize..].iter();
        begin + after.take_while(|(hash, _)| *hash < key.crc).count() as u32
    }

    /// The peers a point stands for.
    pub(in super::super) fn at(&self, point: u32) -> &[u32] {
        let Some(len) = u32::try_from(self.points.len()).ok().filter(|len| *len > 0) else {
            return &[];
        };
        let (_, origin) = self.points[(point % len) as usize];
        let begin = match origin {
            0 => 0,
            origin => self.ends[origin as usize - 1],
        };
        &self.peers[begin as usize..self.ends[origin as usize] as usize]
    }
}

/// CH-1 and CH-2: the points of one `server` argument, without end.
fn points(origin: &str) -> impl Iterator<Item = u32> {
    let mut base = crc32fast::Hasher::new();
    let (host, port) = split(origin);
    base.update(host.as_bytes());
    base.update(&[0]);
    base.update(port.as_bytes());
    let mut last = 0u32;
    std::iter::repeat_with(move || {
        let mut point = base.clone();
        point.update(&last.to_le_bytes());
        last = point.finalize();
        last
    })
}

/// CH-1: what follows the last colon is the port, if it is all digits.
fn split(origin: &str) -> (&str, &str) {
    if let Some(path) = origin.strip_prefix("unix:") {
        return (path, "");
    }
    match origin.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (origin, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_split_as_nginx_splits_it() {
        assert_eq!(split("10.0.0.1:8080"), ("10.0.0.1", "8080"));
        assert_eq!(split("orders.local"), ("orders.local", ""));
        assert_eq!(split("[::1]:81"), ("[::1]", "81"));
        assert_eq!(split("unix:/run/a:1"), ("/run/a:1", ""));
    }

    #[test]
    fn the_first_points_are_nginx_s() {
        let mut all: Vec<(u32, char)> = Vec::new();
        for (name, letter) in [
            ("127.0.0.1:19001", 'A'),
            ("127.0.0.1:19002", 'B'),
            ("127.0.0.1:19003", 'C'),
        ] {
            all.extend(points(name).take(160).map(|hash| (hash, letter)));
        }
        all.sort();
        assert_eq!(all.len(), 480);
        assert_eq!(
            &all[..3],
            [(0x18f557, 'C'), (0x432943, 'A'), (0x9bfc96, 'A')],
            "13.3"
        );
    }
    #[test]
    fn a_key_is_found_where_a_search_in_halves_finds_it() {
        let mut points: Vec<(u32, u32)> = points("a:1").take(500).map(|hash| (hash, 0)).collect();
        points.extend([(0, 0), (1, 0), (u32::MAX - 1, 0)]);
        points.sort();
        for len in [0, 1, 2, 3, points.len()] {
            let mut ring = Ring {
                points: points[points.len() - len..].to_vec(),
                ..Ring::default()
            };
            ring.index();
            let near = points
                .iter()
                .flat_map(|(hash, _)| hash.saturating_sub(1)..=hash + 1);
            for crc in near.chain([0, u32::MAX]) {
                let expected = ring.points.partition_point(|(hash, _)| *hash < crc);
                assert_eq!(
                    ring.find(Key { crc, len: 1 }),
                    expected as u32,
                    "{crc} of {len}"
                );
            }
        }
    }
}
