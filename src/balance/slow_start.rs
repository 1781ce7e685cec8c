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
