/// Which of a large fleet's peers one client uses: those whose name and the client's seed hash
/// highest (rendezvous hashing), so that clients with different seeds spread over the fleet, and a
/// change of the fleet changes few subsets. Worth it above about 50 peers. Not in NGINX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Subset {
    /// Primaries used, at least 1.
    pub size: usize,
    /// What tells this client from the others; the same seed picks the same peers.
    pub seed: u64,
}
