use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};

use http_body::Body;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use crate::connect::http2::Shared;
use crate::connect::{Address, Conn, Target};

/// The HTTP/2 connections of a group, by address. A request takes a stream of the first that has one;
/// when all are in use, one more connection is made, by one request at a time.
pub(crate) struct Streams<B>(Lock<Known<B>>);

struct Known<B> {
    peers: Vec<Peer<B>>,
    /// Addresses whose connections are remembered; all, if nobody has said.
    kept: Option<Arc<HashSet<Arc<Address>>>>,
}

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
        Self(Lock::new(Known {
            peers: Vec::new(),
            kept: None,
        }))
    }
}

impl<B> Streams<B>
where
    B: Body + Send + 'static,
{
    /// A stream to this peer, if there is one left; with `since`, of a connection made after that.
    pub(crate) fn open(&self, target: &Target, since: Option<Instant>) -> Option<Conn<B>> {
        let peers = &mut self.lock().peers;
        let peer = peers
            .iter_mut()
            .find(|peer| peer.address == target.address)?;
        peer.connections.retain(|shared| !shared.is_over());
        if let Some(shared) = peer.connections.first() {
            peer.allowed = shared.allowed();
        }
        let young = |shared: &&Shared<B>| since.is_none_or(|since| shared.born() > since);
        let mut fit = peer.connections.iter().filter(young);
        fit.find_map(|shared| shared.is_to(target).then(|| shared.open())?)
    }

    /// Whoever holds it makes the next connection; the others look again when they have it. With it
    /// comes what the peer allowed when last heard of.
    pub(crate) async fn turn(&self, address: &Arc<Address>) -> (OwnedMutexGuard<()>, usize) {
        let (gate, allowed) = {
            let peers = &mut self.lock().peers;
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
        let Known { peers, kept } = &mut *self.lock();
        // A server that was removed meanwhile serves whom it must and is not remembered, though an
        // attempt that chose it before may have come here after.
        let stays = kept.as_ref().is_none_or(|kept| kept.contains(address));
        match peers.iter_mut().find(|peer| peer.address == *address) {
            Some(peer) if stays => peer.connections.push(shared),
            _ => shared.retire(),
        }
        stream
    }

    /// From now on only connections to these addresses are remembered; the others end with their last
    /// streams.
    pub(crate) fn only(&self, addresses: Arc<HashSet<Arc<Address>>>) {
        let Known { peers, kept } = &mut *self.lock();
        peers.retain(|peer| {
            let stays = addresses.contains(&peer.address);
            if !stays {
                peer.connections.iter().for_each(Shared::retire);
            }
            stays
        });
        *kept = Some(addresses);
    }

    fn lock(&self) -> MutexGuard<'_, Known<B>> {
        // Lists do not break half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> fmt::Debug for Streams<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::Empty;
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::net::TcpListener;

    use super::*;
    use crate::connect::http2;

    const RULES: http2::Rules = http2::Rules {
        streams: 2,
        requests: 100,
        time: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        ping: None,
        ping_timeout: Duration::from_secs(60),
    };

    async fn server() -> Arc<Address> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let nothing =
                    |_| async { Ok::<_, hyper::Error>(http::Response::new(Empty::<Bytes>::new())) };
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(socket), service_fn(nothing)));
            }
        });
        Arc::new(Address::Tcp(address))
    }

    /// Who has chosen a server may come when it is gone already, and even its gate with it.
    #[tokio::test]
    async fn a_connection_to_a_server_that_is_gone_serves_one_request() {
        let address = server().await;
        let streams: Streams<Empty<Bytes>> = Streams::default();
        for stays in [true, false] {
            let kept = [Arc::clone(&address)].into_iter().filter(|_| stays);
            streams.only(Arc::new(kept.collect()));
            let (_turn, allowed) = streams.turn(&address).await;
            let target = Target::plain(&address);
            let shared = http2::connect(&target, 0, RULES, allowed).await.unwrap();
            let _first = streams.add(&address, shared).expect("a stream");
            assert_eq!(streams.open(&target, None).is_some(), stays);
        }
    }
}
