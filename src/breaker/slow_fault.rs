use std::time::Duration;

/// When a peer that keeps requests waiting is suspected, before any timeout says so: it has not
/// answered anything for `multiple` times what it and its siblings normally need, though something
/// was waiting, and not all of its list are as silent. A suspect gets no more than `probes` requests
/// at once until one is answered; requests that wait there are tried elsewhere too, if that is safe.
/// Not in NGINX, which counts nothing before the first timeout.
///
/// A request that is right to take much longer than others looks the same where little else is asked
/// meanwhile: if it may be sent twice, a second peer gets it, too. A
/// [`retry_budget`](crate::GroupConfig::retry_budget) bounds that; groups that are all for such
/// requests (long polls, reports) do better without the rule, or with a larger `at_least`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SlowFault {
    /// How many times the normal answer time, default 8.
    pub multiple: u32,
    /// But no sooner than this, default 100 ms.
    pub at_least: Duration,
    /// Requests a suspect gets at once, default 1.
    pub probes: u32,
}

impl Default for SlowFault {
    fn default() -> Self {
        Self {
            multiple: 8,
            at_least: Duration::from_millis(100),
            probes: 1,
        }
    }
}

impl SlowFault {
    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        let named = [("multiple", self.multiple), ("probes", self.probes)];
        let wrong = named.iter().filter(|(_, value)| *value == 0);
        wrong
            .map(|(name, _)| format!("slow_fault: {name} must be at least 1"))
            .collect()
    }
}

/// What the rule knows of one peer. Told the time, does nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    /// Requests in flight without an answer.
    waiting: u32,
    /// Of those, how many were sent although the peer was suspected.
    probing: u32,
    /// When `waiting` last rose from none.
    since: Duration,
    /// Time with something waiting since the last answer, up to `since`.
    waited: Duration,
    /// No probe before this; each one that was in vain doubles the pause.
    next_probe: Duration,
    pause: Duration,
    /// Mean time to an answer, in seconds; the newest counts an eighth.
    mean: f64,
}

/// The mean answer time of a whole list, and how many it is made of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Normal {
    mean: f64,
    answers: u32,
}

impl Normal {
    /// Fewer answers tell nothing of what is normal.
    const ENOUGH: u32 = 10;

    pub(crate) fn answered(&mut self, took: Duration) {
        self.answers = self.answers.saturating_add(1);
        smooth(&mut self.mean, took, 1.0 / 8.0);
    }
}

/// The longest pause between two probes of a suspect.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

fn smooth(mean: &mut f64, took: Duration, share: f64) {
    let took = took.as_secs_f64();
    *mean = match *mean {
        0.0 => took,
        mean => mean + (took - mean) * share,
    };
}

impl Silence {
    /// A request is sent; `suspect` says that it is a probe.
    pub(crate) fn sent(&mut self, now: Duration, suspect: bool) {
        if self.waiting == 0 {
            self.since = now;
        }
        self.waiting += 1;
        self.probing += u32::from(suspect);
    }

    /// The peer answered, whatever it said.
    pub(crate) fn answered(&mut self, took: Duration, now: Duration, probe: bool) {
        self.left(probe);
        self.since = now;
        self.waited = Duration::ZERO;
        self.pause = Duration::ZERO;
        self.next_probe = Duration::ZERO;
        smooth(&mut self.mean, took, 1.0 / 8.0);
    }

    /// A request will not be answered any more. A probe in vain delays the next one.
    pub(crate) fn gave_up(&mut self, now: Duration, probe: bool, rule: &SlowFault) {
        self.left(probe);
        if self.waiting == 0 {
            self.waited += now.saturating_sub(self.since);
        }
        if probe {
            self.pause = (self.pause * 2).clamp(rule.at_least, LONGEST_PAUSE.max(rule.at_least));
            self.next_probe = now + self.pause;
        }
    }

    fn left(&mut self, probe: bool) {
        self.waiting = self.waiting.saturating_sub(1);
        self.probing = self.probing.saturating_sub(u32::from(probe));
    }

    /// How long something has waited since anything was answered.
    fn lasted(&self, now: Duration) -> Duration {
        match self.waiting {
            0 => self.waited,
            _ => self.waited + now.saturating_sub(self.since),
        }
    }

    /// How long it may last; `None` while nobody knows what is normal.
    pub(crate) fn patience(&self, normal: &Normal, rule: &SlowFault) -> Option<Duration> {
        (normal.answers >= Normal::ENOUGH).then(|| {
            // A peer's own late answers excuse it only so far; what all of them need is normal.
            let own = self.mean.min(LONGEST_PAUSE.as_secs_f64());
            let mean = own.max(normal.mean);
            let long = Duration::from_secs_f64(mean).saturating_mul(rule.multiple);
            long.max(rule.at_least)
        })
    }

    /// It has lasted too long.
    pub(crate) fn too_long(&self, now: Duration, normal: &Normal, rule: &SlowFault) -> bool {
        let lasted = self.lasted(now);
        // The cheap question first: this one is asked for every pick.
        lasted > rule.at_least
            && self
                .patience(normal, rule)
                .is_some_and(|most| lasted > most)
    }

    /// A suspect may be asked once more.
    pub(crate) fn may_probe(&self, now: Duration, rule: &SlowFault) -> bool {
        self.probing < rule.probes.max(1) && now >= self.next_probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_answers_take_a_minute_a_minute_is_no_silence() {
        let rule = SlowFault::default();
        let minute = Duration::from_secs(60);
        let (mut peer, mut normal) = (Silence::default(), Normal::default());
        for number in 0..Normal::ENOUGH {
            let now = minute * number;
            peer.sent(now, false);
            peer.answered(minute, now + minute, false);
            normal.answered(minute);
        }
        let now = minute * Normal::ENOUGH;
        peer.sent(now, false);
        assert!(!peer.too_long(now + minute, &normal, &rule));
        assert!(peer.too_long(now + minute * rule.multiple * 2, &normal, &rule));
    }

    #[test]
    fn a_peer_s_own_late_answers_excuse_it_only_so_far() {
        let rule = SlowFault::default();
        let minute = Duration::from_secs(60);
        let (mut peer, mut normal) = (Silence::default(), Normal::default());
        (0..Normal::ENOUGH).for_each(|_| normal.answered(Duration::from_millis(2)));
        peer.sent(Duration::ZERO, false);
        peer.answered(minute, minute, false);
        let patience = peer.patience(&normal, &rule);
        assert_eq!(patience, Some(LONGEST_PAUSE * rule.multiple));
    }
}
