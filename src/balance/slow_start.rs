use std::time::Duration;

/// How a peer that joined or returned comes up to its share, as HAProxy's and Envoy's do: its weight,
/// and its `max_conns`, are scaled by `(t / window)^(1 / aggression)`, at least by `floor`. The peers
/// a group starts with are at full weight at once. Hash methods keep their weights; there it bounds
/// `max_conns` only. Not in NGINX; there `slow_start=` is commercial.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SlowStart {
    /// Time to the full share, default 30 s.
    pub window: Duration,
    /// 1 grows linearly, more grows faster at first; default 1.
    pub aggression: f64,
    /// The least share, in percent, default 10.
    pub floor: u32,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            aggression: 1.0,
            floor: 10,
        }
    }
}

impl SlowStart {
    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.window.is_zero() {
            problems.push("slow_start: a window of 0 is no slow start; leave it out".into());
        }
        if !(self.aggression.is_finite() && self.aggression > 0.0) {
            let aggression = self.aggression;
            problems.push(format!(
                "slow_start: aggression {aggression} is not above 0"
            ));
        }
        if self.floor > 100 {
            problems.push(format!("slow_start: floor {}% is above 100%", self.floor));
        }
        problems
    }

    /// The share of its weight a peer has, that joined or returned so long ago.
    pub(super) fn share(&self, age: Duration) -> f64 {
        if age >= self.window {
            return 1.0;
        }
        let ramp = age.as_secs_f64() / self.window.as_secs_f64();
        let floor = f64::from(self.floor.min(100)) / 100.0;
        ramp.powf(1.0 / self.aggression).max(floor)
    }
}
