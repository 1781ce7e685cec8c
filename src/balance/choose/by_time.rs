use std::time::Duration;

use super::super::peer::Peer;
use super::super::setup::Setup;

/// Of two peers the one whose next answer costs less: peak EWMA of its answer times, times those that
/// wait there already, for its weight (Finagle's `P2CPeakEwma`). On a tie the first.
pub(in super::super) fn better(
    peers: &[Peer],
    (first, second): (usize, usize),
    setup: &Setup,
    now: Duration,
) -> usize {
    let cost = |index: usize| {
        let peer = &peers[index];
        let cost = match peer.times.cost(now) {
            // Nobody knows yet: worth a try, but one at a time.
            0.0 if peer.conns == 0 => 0.0,
            0.0 => UNKNOWN,
            cost => cost,
        };
        cost * f64::from(peer.conns + 1) / peer.top(now, setup) as f64
    };
    if cost(second) < cost(first) {
        second
    } else {
        first
    }
}

/// Seconds that a peer counts as, that is being asked for the first time.
const UNKNOWN: f64 = 1.0;
