use std::time::Duration;

/// The idle connections a group keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Keepalive {
    /// Idle connections kept for all peers together; 0 keeps none (`keepalive`).
    pub connections: usize,
    /// Requests one connection serves (`keepalive_requests`).
    pub requests: u64,
    /// Age past which a connection is not kept again (`keepalive_time`).
    pub time: Duration,
    /// How long a connection may stay idle (`keepalive_timeout`).
    pub timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            connections: 0,
            requests: 1000,
            time: Duration::from_secs(3600),
            timeout: Duration::from_secs(60),
        }
    }
}
