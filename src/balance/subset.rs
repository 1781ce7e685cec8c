/// Which of a large fleet's peers one client uses: those whose name and the client's seed hash
/// highest (rendezvous hashing), so that clients with different seeds spread over the fleet, and a
/// change of the fleet changes few subsets. Worth it above about 50 peers. Not in NGINX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Subset {
    /// Primaries used, at least 1.
    pub size: usize,
    /// What tells this client from the others; the same seed picks the same peers.
    pub seed: u64,
}

impl Subset {
    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        match self.size {
            0 => vec!["subset: a size of 0 leaves nobody".into()],
            _ => Vec::new(),
        }
    }

    /// Which of the peers of these names are in it, in their order.
    pub fn choose<T: AsRef<str>>(&self, names: &[T]) -> Vec<usize> {
        let mut ranked: Vec<(u64, usize)> = names
            .iter()
            .enumerate()
            .map(|(index, name)| (self.rank(name.as_ref()), index))
            .collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.truncate(self.size);
        let mut chosen: Vec<usize> = ranked.into_iter().map(|(_, index)| index).collect();
        chosen.sort_unstable();
        chosen
    }

    /// FNV-1a over seed and name, stirred as splitmix64 stirs. It must never change: clients of
    /// different versions share a fleet.
    fn rank(&self, name: &str) -> u64 {
        let seed = self.seed.to_le_bytes();
        let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        let mut hash = seed
            .iter()
            .chain(name.as_bytes())
            .fold(0xcbf2_9ce4_8422_2325, fnv);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(size: usize) -> Vec<String> {
        (0..size).map(|n| format!("10.0.0.{n}:80")).collect()
    }

    #[test]
    fn one_that_leaves_is_replaced_and_the_others_stay() {
        let mut names = fleet(100);
        let subset = Subset { size: 10, seed: 7 };
        let before: Vec<String> = subset
            .choose(&names)
            .iter()
            .map(|i| names[*i].clone())
            .collect();
        assert_eq!(before.len(), 10);
        let gone = before[3].clone();
        names.retain(|name| *name != gone);
        let after: Vec<String> = subset
            .choose(&names)
            .iter()
            .map(|i| names[*i].clone())
            .collect();
        let kept = before.iter().filter(|name| after.contains(name)).count();
        assert_eq!((kept, after.len()), (9, 10));
    }

    #[test]
    fn clients_spread_over_the_fleet() {
        let names = fleet(100);
        let mut used = [0; 100];
        for seed in 0..1000 {
            Subset { size: 10, seed }
                .choose(&names)
                .iter()
                .for_each(|i| used[*i] += 1);
        }
        // Each is expected 100 times, give or take 9.5; 5 of those are a wide berth.
        assert!(
            used.iter().all(|times| (52..=148).contains(times)),
            "{used:?}"
        );
    }
}
