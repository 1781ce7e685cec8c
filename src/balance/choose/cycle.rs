use std::time::Duration;

use super::super::peer::Peer;

/// Smooth round robin repeats itself: as long as the same peers may be chosen at full weight, the
/// weights are after total / gcd picks what they were. The choices of one such period are written
/// down and read back, so that the steady state need not look at every peer. Nothing is assumed: a
/// period is read back only after the weights have come back to what they were before it.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Cycle {
    phase: Phase,
    /// What may be chosen has not changed since ...
    epoch: u64,
    /// ... and will not before, a ban running out.
    until: Duration,
    /// Choices in this epoch before there is anything to write down.
    calm: u32,
    /// Current and effective weight of every peer at the period's begin; no weight for those that
    /// may not be chosen.
    rows: Vec<(i64, i64)>,
    picks: Vec<u32>,
    at: usize,
    period: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Phase {
    #[default]
    Off,
    Recording,
    Replaying,
}

/// Longer periods are not written down.
const LONGEST: usize = 1 << 14;

/// What changes too often is not worth writing down.
const CALM: u32 = 8;

impl Cycle {
    /// The next choice, if it is known. It counts only once [`advance`](Self::advance) says so.
    pub(in super::super) fn next(&self, epoch: u64, now: Duration) -> Option<usize> {
        let known = self.phase == Phase::Replaying && self.epoch == epoch && now < self.until;
        known.then(|| self.picks[self.at] as usize)
    }

    pub(in super::super) fn advance(&mut self) {
        self.at = (self.at + 1) % self.period;
    }

    /// Forgets the period: somebody was excluded who is not for others, or weights are on the move.
    pub(in super::super) fn leave(&mut self, peers: &mut [Peer]) {
        self.stop_replaying(peers);
        self.phase = Phase::Off;
        self.calm = 0;
    }

    /// Brings the weights up to date with what was read back; from now on they lead again.
    pub(in super::super) fn stop_replaying(&mut self, peers: &mut [Peer]) {
        if self.phase != Phase::Replaying {
            return;
        }
        self.phase = Phase::Off;
        self.calm = 0;
        let total: i64 = self.rows.iter().map(|(_, weight)| weight).sum();
        for (peer, (current, weight)) in peers.iter_mut().zip(&self.rows) {
            peer.current_weight = current + self.at as i64 * weight;
        }
        for index in &self.picks[..self.at] {
            peers[*index as usize].current_weight -= total;
        }
    }

    /// Writes down a choice that the weights led to, with nobody excluded for one request only.
    pub(in super::super) fn record(
        &mut self,
        best: usize,
        peers: &[Peer],
        epoch: u64,
        now: Duration,
        may: impl FnMut(usize, &Peer) -> bool,
    ) {
        if self.epoch != epoch || now >= self.until {
            self.phase = Phase::Off;
            self.calm = 0;
            self.epoch = epoch;
            self.until = Duration::MAX;
        }
        match self.phase {
            Phase::Off if self.calm < CALM => self.calm += 1,
            Phase::Off if self.calm == CALM => self.begin(peers, now, may),
            Phase::Recording => {
                self.picks.push(best as u32);
                if self.picks.len() == self.period {
                    self.close(peers);
                }
            }
            Phase::Off | Phase::Replaying => {}
        }
    }

    fn begin(&mut self, peers: &[Peer], now: Duration, mut may: impl FnMut(usize, &Peer) -> bool) {
        // Asked once an epoch.
        self.calm += 1;
        self.rows.clear();
        let (mut total, mut common) = (0, 0);
        for (index, peer) in peers.iter().enumerate() {
            let weight = match may(index, peer) {
                true => peer.effective_weight,
                false => 0,
            };
            if peer.barred(now) {
                self.until = self.until.min(peer.barred_until);
            }
            total += weight;
            common = gcd(common, weight);
            self.rows.push((peer.current_weight, weight));
        }
        let period = total.checked_div(common).unwrap_or(0);
        self.period = usize::try_from(period).unwrap_or(0);
        if (1..=LONGEST).contains(&self.period) {
            self.phase = Phase::Recording;
            self.picks.clear();
            self.at = 0;
        }
    }

    /// A period is over. If the weights are what they were it is the period for ever, else they are
    /// still on their way there.
    fn close(&mut self, peers: &[Peer]) {
        let same = peers
            .iter()
            .zip(&self.rows)
            .all(|(peer, (current, _))| peer.current_weight == *current);
        if same {
            self.phase = Phase::Replaying;
            return;
        }
        self.picks.clear();
        for (peer, (current, _)) in peers.iter().zip(&mut self.rows) {
            *current = peer.current_weight;
        }
    }
}

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
