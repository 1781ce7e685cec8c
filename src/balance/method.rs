/// How a peer is chosen among those that may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum Method {
    /// Smooth and by weight (RR); NGINX's default. For requests that cost about the same.
    #[default]
    RoundRobin,
    /// The fewest attempts in flight for its weight (`least_conn`, LC). For requests whose cost
    /// varies, or that stay long.
    LeastConn,
    /// By a key, modulo the weights (`hash KEY`, HS). For caches, while the list does not change.
    Hash,
    /// By a key, on a ring (`hash KEY consistent`, CH). For caches; a change moves few keys.
    ConsistentHash,
    /// By the client's address (`ip_hash`, IP). For sessions of clients that keep no cookie.
    IpHash,
    /// By chance and weight (`random`, RN). For many clients that do not know of each other.
    Random,
    /// The less busy of two drawn by chance (`random two least_conn`, RN-3). The same, with less
    /// imbalance.
    RandomTwo,
    /// The fastest for its attempts in flight and its weight (`least_time`, LT). For servers that
    /// differ in speed.
    LeastTime {
        /// Which time counts.
        by: Times,
        /// Requests that still wait count with the time they have waited so far (LT-4).
        #[cfg_attr(feature = "serde", serde(default))]
        inflight: bool,
    },
    /// The better of two drawn by chance, by peak latency times attempts in flight. For large groups
    /// and sudden changes of speed. Not in NGINX.
    PeakEwma,
}

impl Method {
    /// An attempt is in flight no longer than to its header (LT-4).
    pub(super) fn waits_for_headers(self) -> bool {
        let by_header = Self::LeastTime {
            by: Times::Header,
            inflight: true,
        };
        self == by_header
    }
}

/// Which time [`Method::LeastTime`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Times {
    /// To the end of the response's header (`header`).
    Header,
    /// To the end of the response (`last_byte`).
    LastByte,
}
