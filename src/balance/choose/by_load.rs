use std::cmp::Ordering;
use std::time::Duration;

use super::super::peer::Peer;
use super::super::setup::Setup;
use super::round_robin;

/// The least loaded for its weight (LC-1, LT-6): `load` is asked once for every peer that `may` be
/// chosen. Among equals one step of round robin decides, from the first of them on (LC-2).
pub(in super::super) fn least(
    peers: &mut [Peer],
    setup: &Setup,
    now: Duration,
    mut may: impl FnMut(usize, &Peer) -> bool,
    mut load: impl FnMut(&mut Peer) -> u64,
) -> Option<usize> {
    let mut best: Option<(usize, u64, u64)> = None;
    let mut tied = false;
    for (index, peer) in peers.iter_mut().enumerate() {
        if !may(index, peer) {
            peer.load = None;
            continue;
        }
        let (own, weight) = (load(peer), peer.top(now, setup) as u64);
        peer.load = Some(own);
        match best.map(|(_, least, of)| product(own, of).cmp(&product(least, weight))) {
            Some(Ordering::Greater) => {}
            Some(Ordering::Equal) => tied = true,
            Some(Ordering::Less) | None => (best, tied) = (Some((index, own, weight)), false),
        }
    }
    let (first, least, of) = best?;
    if !tied {
        return Some(first);
    }
    let order = first..peers.len();
    let step = round_robin::step(peers, order, setup, now, |_, peer| {
        let weight = peer.top(now, setup) as u64;
        peer.load
            .is_some_and(|own| product(own, of) == product(least, weight))
    });
    step.map(|step| step.best)
}

fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}
