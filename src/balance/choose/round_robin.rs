use std::time::Duration;

use super::super::peer::Peer;
use super::super::setup::Setup;

/// What one step of smooth weighted round robin found.
pub(in super::super) struct Step {
    pub(in super::super) best: usize,
    /// No weight is on its way up to where it may be now.
    pub(in super::super) steady: bool,
}

/// NGINX's smooth weighted round robin over the peers that `may` be chosen, in order (RR-2 to RR-4).
/// The others change in no way; on a tie the earlier one wins.
pub(in super::super) fn step(
    peers: &mut [Peer],
    order: impl Iterator<Item = usize>,
    setup: &Setup,
    now: Duration,
    may: impl FnMut(usize, &Peer) -> bool,
) -> Option<Step> {
    let scan = scan(peers, order, setup, now, may)?;
    peers[scan.best].current_weight -= scan.total;
    Some(Step {
        best: scan.best,
        steady: scan.steady,
    })
}

/// The same step, but the request is bound to one of the peers: it is charged for it, until it has
/// been charged enough (SK-4).
pub(in super::super) fn charge(
    peers: &mut [Peer],
    bound: usize,
    total_weight: i64,
    setup: &Setup,
    now: Duration,
    mut may: impl FnMut(usize, &Peer) -> bool,
) {
    let peer = &peers[bound];
    if peer.current_weight <= peer.weight - total_weight {
        return;
    }
    let order = 0..peers.len();
    let scan = scan(peers, order, setup, now, |index, peer| {
        index == bound || may(index, peer)
    });
    if let Some(scan) = scan {
        peers[bound].current_weight -= scan.total;
    }
}

struct Scan {
    best: usize,
    total: i64,
    steady: bool,
}

/// RR-2 and RR-3: everybody gains its weight; who has most?
fn scan(
    peers: &mut [Peer],
    order: impl Iterator<Item = usize>,
    setup: &Setup,
    now: Duration,
    mut may: impl FnMut(usize, &Peer) -> bool,
) -> Option<Scan> {
    let unit = Peer::unit(setup);
    let mut best: Option<(usize, i64)> = None;
    let mut total = 0;
    let mut steady = true;
    for index in order {
        if !may(index, &peers[index]) {
            continue;
        }
        let peer = &mut peers[index];
        let top = peer.top(now, setup);
        peer.effective_weight = peer.effective_weight.min(top);
        peer.current_weight += peer.effective_weight;
        total += peer.effective_weight;
        if peer.effective_weight < top {
            peer.effective_weight = (peer.effective_weight + unit).min(top);
            steady = false;
        }
        if best.is_none_or(|(_, weight)| peer.current_weight > weight) {
            best = Some((index, peer.current_weight));
        }
    }
    let (best, _) = best?;
    Some(Scan {
        best,
        total,
        steady,
    })
}
