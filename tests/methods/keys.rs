//! Which keys move when somebody leaves, joins or goes down.

use proptest::prelude::*;
use tower_upstream::balance::{Method, Subset};

use super::group::{Group, client, key, name};

const KEYS: usize = 300;

/// The peer of each key, by name.
fn owners(method: Method, servers: &str) -> Vec<char> {
    let mut group = Group::new(method, servers);
    let asked = |number: usize| {
        let affinity = match method {
            Method::IpHash => client(&format!("10.{}.{}.1", number / 200, number % 200)),
            _ => key(&format!("/orders/{number}")),
        };
        group
            .request(affinity)
            .chars()
            .next()
            .expect("somebody is asked")
    };
    (0..KEYS).map(asked).collect()
}

fn servers(weights: &[u32]) -> Vec<String> {
    let letters = ('A'..).zip(weights);
    letters
        .map(|(letter, weight)| format!("{letter} weight={weight}"))
        .collect()
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1u32..6, 2..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    /// IP-4, and the same of `hash`.
    #[test]
    fn who_goes_down_takes_nobodys_keys_but_its_own(
        method in prop::sample::select(vec![Method::Hash, Method::ConsistentHash, Method::IpHash]),
        weights in weights(),
        which in any::<prop::sample::Index>(),
    ) {
        let mut servers = servers(&weights);
        let before = owners(method, &servers.join(";"));
        let gone = which.index(servers.len());
        servers[gone] += " down";
        let after = owners(method, &servers.join(";"));
        let gone = (b'A' + gone as u8) as char;
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(*after != gone && (before == after || *before == gone));
        }
    }

    /// The ring: only what was the leaver's, and, seen the other way, only what becomes the joiner's.
    #[test]
    fn a_change_of_the_ring_moves_only_the_keys_it_must(
        weights in weights(),
        which in any::<prop::sample::Index>(),
    ) {
        let mut servers = servers(&weights);
        let with = owners(Method::ConsistentHash, &servers.join(";"));
        let gone = which.index(servers.len());
        let gone = servers.remove(gone).chars().next().expect("a letter");
        let without = owners(Method::ConsistentHash, &servers.join(";"));
        for (with, without) in with.iter().zip(&without) {
            prop_assert!(with == without || *with == gone);
        }
    }

    /// The order of the lines is of no account on the ring.
    #[test]
    fn the_ring_knows_no_order(weights in weights(), turn in 0usize..8) {
        let mut servers = servers(&weights);
        let before = owners(Method::ConsistentHash, &servers.join(";"));
        let turn = turn % servers.len();
        servers.rotate_left(turn);
        prop_assert_eq!(before, owners(Method::ConsistentHash, &servers.join(";")));
    }

    /// One that leaves is replaced by one other, one that joins replaces one or nobody.
    #[test]
    fn a_subset_changes_by_one_at_most(
        fleet in 2usize..40,
        size in 1usize..20,
        seed in any::<u64>(),
        gone in any::<prop::sample::Index>(),
    ) {
        let names: Vec<String> = ('A'..).take(fleet).map(name).collect();
        let subset = Subset { size, seed };
        let chosen = |names: &[String]| -> Vec<String> {
            subset.choose(names).into_iter().map(|index| names[index].clone()).collect()
        };
        let with = chosen(&names);
        prop_assert_eq!(with.len(), size.min(fleet));
        let mut left = names.clone();
        let gone = left.remove(gone.index(fleet));
        let without = chosen(&left);
        prop_assert_eq!(without.len(), size.min(fleet - 1));
        let stay: Vec<&String> = with.iter().filter(|name| **name != gone).collect();
        prop_assert!(stay.iter().all(|name| without.contains(name)));
        left.reverse();
        let mut reversed = chosen(&left);
        reversed.reverse();
        prop_assert_eq!(reversed, without, "whatever their order");
    }
}

/// Every peer has about its weight's share of the ring: of 160 points per unit of weight no more than
/// a third more or less.
#[test]
fn the_ring_keeps_to_the_weights() {
    let owners = owners(
        Method::ConsistentHash,
        "A weight=10; B weight=20; C weight=30",
    );
    for (letter, share) in [('A', 50), ('B', 100), ('C', 150)] {
        let got = owners.iter().filter(|owner| **owner == letter).count();
        assert!(
            (share * 2 / 3..=share * 4 / 3).contains(&got),
            "{letter}: {got}"
        );
    }
}
