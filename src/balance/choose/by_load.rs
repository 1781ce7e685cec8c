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
    let mut best: Option<(usize, u128, u128)> = None;
    let mut tied = false;
    for (index, peer) in peers.iter_mut().enumerate() {
        if !may(index, peer) {
            continue;
        }
        peer.load = load(peer);
        let (own, weight) = (u128::from(peer.load), peer.top(now, setup) as u128);
        match best {
            Some((_, least, of)) if own * of > least * weight => {}
            Some((_, least, of)) if own * of == least * weight => tied = true,
            _ => (best, tied) = (Some((index, own, weight)), false),
        }
    }
    let (first, least, of) = best?;
    if !tied {
        return Some(first);
    }
    let order = first..peers.len();
    let step = round_robin::step(peers, order, setup, now, |index, peer| {
        let equal = u128::from(peer.load) * of == least * peer.top(now, setup) as u128;
        may(index, peer) && equal
    });
    step.map(|step| step.best)
}
