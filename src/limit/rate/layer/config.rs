use crate::limit::rate::{Delay, Limit, Rate, Zone};
use crate::limit::{Everyone, Key};

/// One limit: a rate, how far it may be run ahead of, and whose requests are counted together.
///
/// Unless told otherwise all requests are counted together, none may come early (`burst=0`), and those
/// that may wait for their turn.
#[derive(Clone, Debug)]
pub struct RateLimit<K = Everyone> {
    pub(super) zone: Zone,
    pub(super) limit: Limit,
    pub(super) keys: K,
}

impl RateLimit {
    /// So many requests a second, in a [`Zone`] of its own with the name `default`.
    pub fn per_second(requests: u32) -> Self {
        Self::zone(&Zone::new("default", Rate::per_second(requests)))
    }

    /// So many requests a minute, in a [`Zone`] of its own with the name `default`.
    pub fn per_minute(requests: u32) -> Self {
        Self::zone(&Zone::new("default", Rate::per_minute(requests)))
    }

    /// The rate and the accounts of a zone, which others may use too (`zone=`).
    pub fn zone(zone: &Zone) -> Self {
        Self {
            zone: zone.clone(),
            limit: Limit::default(),
            keys: Everyone,
        }
    }
}

impl<K> RateLimit<K> {
    /// Requests that may come too early, default 0; more are refused (`burst=`).
    pub fn burst(mut self, requests: u32) -> Self {
        self.limit.burst = requests;
        self
    }

    /// Requests that come too early but within the burst do not wait (`nodelay`).
    pub fn nodelay(mut self) -> Self {
        self.limit.delay = Delay::Never;
        self
    }

    /// So many of them do not wait, default 0 (`delay=`).
    pub fn delay(mut self, requests: u32) -> Self {
        self.limit.delay = Delay::After(requests);
        self
    }

    /// Whose requests are counted together: [`ClientAddress`](crate::limit::ClientAddress),
    /// [`Header`](crate::limit::Header), or your own [`Keys`](crate::limit::Keys).
    pub fn key<L>(self, keys: L) -> RateLimit<L> {
        RateLimit {
            zone: self.zone,
            limit: self.limit,
            keys,
        }
    }

    /// The same by a closure. A request with [`Key::NONE`] is not limited.
    pub fn key_by<Req, F>(self, key: F) -> RateLimit<F>
    where
        F: for<'a> Fn(&'a Req) -> Key<'a>,
    {
        self.key(key)
    }
}
