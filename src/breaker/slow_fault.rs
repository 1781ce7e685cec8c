use std::time::Duration;

/// When a peer that keeps requests waiting is suspected, before any timeout says so: it has not
/// answered anything for `multiple` times what it and its siblings normally need, though something
/// was waiting and another peer has answered meanwhile. A suspect gets no more than `probes` requests
/// at once until one is answered; requests that wait there are tried elsewhere too, if that is safe.
/// Not in NGINX, which counts nothing before the first timeout.
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
