use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http_body::Body;
use tokio::time::Instant;

use super::Keepalive;
use super::idle::Idle;
#[cfg(feature = "http2")]
use super::{Http2, streams::Streams};
use crate::clock;
#[cfg(feature = "http2")]
use crate::connect::http2;
use crate::connect::{Address, Conn, Handshake, Keeper, Target};

/// Longer than any connection is idle; what is longer might not fit the clock.
const LONG: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// By address, whichever lines name it (KA-1).
type IdleConns<B> = Idle<Arc<Address>, Box<Conn<B>>>;

/// The idle connections of a group, behind one short lock.
pub(crate) struct Pool<B> {
    idle: Mutex<IdleConns<B>>,
    config: Keepalive,
    ids: AtomicU64,
    #[cfg(feature = "http2")]
    streams: Streams<B>,
}

impl<B> Pool<B>
where
    B: Body + Send + 'static,
{
    pub(crate) fn new(config: Keepalive) -> Self {
        Self {
            idle: Mutex::new(Idle::new(config.connections, config.timeout.min(LONG))),
            config,
            ids: AtomicU64::new(0),
            #[cfg(feature = "http2")]
            streams: Streams::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The newest idle connection to a peer, in HTTP/2 or not, that its peer has not closed. NGINX does
    /// not tell the two apart.
    pub(crate) fn take(&self, peer: &Target, http2: bool) -> Option<Box<Conn<B>>> {
        if self.config.connections == 0 {
            return None;
        }
        loop {
            let fit = |conn: &Conn<B>| conn.is_http2() == http2 && conn.is_to(peer);
            let conn = self.lock().take(&peer.address, |conn| fit(conn))?;
            if !conn.is_closed() {
                return Some(conn);
            }
        }
    }

    /// Keeps a connection whose request and response are over, unless it has served enough (KA-5).
    pub(crate) fn put(&self, peer: Arc<Address>, conn: Box<Conn<B>>) {
        let now = clock::now();
        let Keepalive {
            connections,
            requests,
            time,
            timeout,
        } = self.config;
        let spent = conn.requests >= requests || now - conn.meter.born() > time;
        if connections == 0 || timeout.is_zero() || spent || conn.is_shared() {
            return;
        }
        let mut idle = self.lock();
        // Under the lock: a connection that ends after this look is taken out by its task.
        if conn.is_closed() {
            return;
        }
        let oldest = idle.put(peer, conn.id, conn, now);
        drop(idle);
        drop(oldest);
    }

    /// From now on only connections to these peers are kept; idle ones to others are closed, and
    /// those in use with their response.
    pub(crate) fn only(&self, peers: Arc<HashSet<Arc<Address>>>) {
        #[cfg(feature = "http2")]
        self.streams.only(Arc::clone(&peers));
        let gone = self.lock().only(peers);
        drop(gone);
    }

    /// The HTTP/2 connections.
    #[cfg(feature = "http2")]
    pub(crate) fn streams(&self) -> &Streams<B> {
        &self.streams
    }

    /// What a new HTTP/2 connection is told about itself.
    #[cfg(feature = "http2")]
    pub(crate) fn stream_rules(&self, http2: &Http2) -> (u64, http2::Rules) {
        let Keepalive {
            requests,
            time,
            timeout,
            ..
        } = self.config;
        let rules = http2::Rules {
            streams: http2.streams,
            requests,
            time,
            idle: timeout.min(LONG),
            ping: http2.ping_interval,
            ping_timeout: http2.ping_timeout,
        };
        (self.ids.fetch_add(1, Relaxed), rules)
    }

    /// What a new connection is told about itself.
    pub(crate) fn handshake(self: &Arc<Self>) -> Handshake<Weak<Self>> {
        Handshake {
            id: self.ids.fetch_add(1, Relaxed),
            idle: (self.config.connections > 0).then_some(self.config.timeout),
            keeper: Arc::downgrade(self),
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdleConns<B>> {
        // The list does not panic half-way through a change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Keeper for Weak<Pool<B>>
where
    B: Body + Send + 'static,
{
    fn expire(&self, id: u64) -> Result<(), Instant> {
        let now = clock::now();
        match self.upgrade() {
            Some(pool) => {
                let expired = pool.lock().expire(id, now);
                expired.map(drop)
            }
            // The group is gone, and with it whatever was idle: this one is in use.
            None => Err(now + LONG),
        }
    }

    fn ended(&self, id: u64) {
        if let Some(pool) = self.upgrade() {
            let ended = pool.lock().remove(id);
            drop(ended);
        }
    }
}

impl<B> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
