use super::peers::Peer;
use super::tried::Tried;

/// NGINX's smooth weighted round robin over one list (RR-2 to RR-4). Ineligible peers change in no
/// way; on a tie the earlier one wins.
pub(super) fn pick(peers: &mut [Peer], tried: &Tried, now: u64) -> Option<usize> {
    let mut best: Option<(usize, i64)> = None;
    let mut total = 0;
    for (index, peer) in peers.iter_mut().enumerate() {
        if tried.contains(index) || !peer.eligible(now) {
            continue;
        }
        peer.current_weight += peer.effective_weight;
        total += peer.effective_weight;
        if peer.effective_weight < peer.weight {
            peer.effective_weight += 1;
        }
        if best.is_none_or(|(_, weight)| peer.current_weight > weight) {
            best = Some((index, peer.current_weight));
        }
    }
    let (best, _) = best?;
    peers[best].current_weight -= total;
    Some(best)
}
