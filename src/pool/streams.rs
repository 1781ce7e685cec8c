use std::fmt;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};

use http_body::Body;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use crate::connect::http2::Shared;
use crate::connect::{Address, Conn};

/// The HTTP/2 connections of a group, by address. A request takes a stream of the first that has one;
/// when all are in use, one more connection is made, by one request at a time.
pub(crate) struct Streams<B>(Lock<Vec<Peer<B>>>);

struct Peer<B> {
    address: Arc<Address>,
    connections: Vec<Shared<B>>,
    /// What it allowed last on one of them.
    allowed: usize,
    /// Held while a connection is made.
    gate: Arc<Mutex<()>>,
}

impl<B> Default for Streams<B> {
    fn default() -> Self {
        Self(Lock::default())
    }
}

impl<B> Streams<B>
where
    B: Body + Send + 'static,
{
    /// A stream to this address, if there is one left; with `since`, of a connection made after that.
    pub(crate) fn open(&self, address: &Arc<Address>, since: Option<Instant>) -> Option<Conn<B>> {
        let mut peers = self.lock();
        let peer = peers.iter_mut().find(|peer| peer.address == *address)?;
        peer.connections.retain(|shared| !shared.is_over());
        if let Some(shared) = peer.connections.first() {
            peer.allowed = shared.allowed();
        }
        let young = |shared: &&Shared<B>| since.is_none_or(|since| shared.born() > since);
        let mut connections = peer.connections.iter().filter(young);
        connections.find_map(Shared::open)
    }

    /// Whoever holds it makes the next connection; the others look again when they have it. With it
    /// comes what the peer allowed when last heard of.
    pub(crate) async fn turn(&self, address: &Arc<Address>) -> (OwnedMutexGuard<()>, usize) {
        let (gate, allowed) = {
            let mut peers = self.lock();
            match peers.iter().find(|peer| peer.address == *address) {
                Some(peer) => (Arc::clone(&peer.gate), peer.allowed),
                None => {
                    let gate: Arc<Mutex<()>> = Arc::default();
                    peers.push(Peer {
                        address: Arc::clone(address),
                        connections: Vec::new(),
                        allowed: usize::MAX,
                        gate: Arc::clone(&gate),
                    });
                    (gate, usize::MAX)
                }
            }
        };
        (gate.lock_owned().await, allowed)
    }

    /// Adds a connection, of which the first stream is taken at once. `None` when it is over already.
    pub(crate) fn add(&self, address: &Arc<Address>, shared: Shared<B>) -> Option<Conn<B>> {
        let stream = shared.open();
        let mut peers = self.lock();
        // A server that was removed meanwhile serves whom it must and is not remembered.
        match peers.iter_mut().find(|peer| peer.address == *address) {
            Some(peer) => peer.connections.push(shared),
            None => shared.retire(),
        }
        stream
    }

    /// Connections to addresses that are not `kept` end with their last streams.
    pub(crate) fn forget(&self, kept: impl Fn(&Address) -> bool) {
        self.lock().retain(|peer| {
            let stays = kept(&peer.address);
            if !stays {
                peer.connections.iter().for_each(Shared::retire);
            }
            stays
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Peer<B>>> {
        // Lists do not break half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> fmt::Debug for Streams<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}
