//! Accepting connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::time::timeout;

use crate::client::Client;
use crate::config::Level;
use crate::replayed::Replayed;
use crate::sockets::{Door, Listener};
use crate::stream::Stream;
use crate::tls::{self, Cover, Knock};
use crate::worker::Worker;
use crate::{http1, http2};

/// Connections of the whole process, counted as NGINX's `$connection`.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Takes in what knocks at `door`, forever.
pub async fn accept(door: Door, worker: Arc<Worker>) -> io::Result<()> {
    match door.listener {
        Listener::Tcp(listener, address) => {
            let listener = TcpListener::from_std(listener)?;
            loop {
                room(&worker).await;
                match listener.accept().await {
                    Ok((stream, remote)) => {
                        // Answers are written whole; waiting for more to send only delays them.
                        let _ = stream.set_nodelay(true);
                        let local = match address.ip().is_unspecified() {
                            true => stream.local_addr().ok(),
                            false => Some(address),
                        };
                        let within = door.within.iter();
                        let listen = local
                            .and_then(|local| within.clone().find(|(ip, _)| *ip == local.ip()))
                            .map_or(door.listen, |(_, listen)| *listen);
                        open(Stream::Tcp(stream), &worker, listen, Some(remote), local);
                    }
                    Err(error) => refused(&worker, &error).await,
                }
            }
        }
        Listener::Unix(listener) => {
            let listener = UnixListener::from_std(listener)?;
            loop {
                room(&worker).await;
                match listener.accept().await {
                    Ok((stream, _)) => {
                        open(Stream::Unix(stream), &worker, door.listen, None, None);
                    }
                    Err(error) => refused(&worker, &error).await,
                }
            }
        }
    }
}

/// Waits until there are fewer connections than `worker_connections`.
async fn room(worker: &Worker) {
    while worker.connections.load(Ordering::Relaxed) >= worker.plan.config.worker_connections {
        worker.ended.notified().await;
    }
}

/// A connection could not be taken in, most likely for want of files.
async fn refused(worker: &Worker, error: &io::Error) {
    if !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        worker.errors[0].write(Level::Crit, format_args!("accept() failed ({error})"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn open(
    stream: Stream,
    worker: &Arc<Worker>,
    listen: usize,
    remote: Option<SocketAddr>,
    local: Option<SocketAddr>,
) {
    worker.connections.fetch_add(1, Ordering::Relaxed);
    let id = SERIAL.fetch_add(1, Ordering::Relaxed) + 1;
    let counted = Counted(Arc::clone(worker));
    tokio::spawn(async move {
        let worker = &counted.0;
        let knock = Knock { id, listen, remote };
        let covered = tokio::select! {
            covered = tls::handshake(stream, worker, &knock) => covered,
            () = worker.left() => None,
        };
        let Some((stream, cover)) = covered else {
            return;
        };
        let client = Client::new(counted, id, listen, remote, local, cover);
        speak(stream, client).await;
    });
}

/// Serves a connection in the protocol its client speaks: that of the handshake, or without TLS what
/// its first bytes say.
async fn speak(stream: Stream, client: Arc<Client>) {
    let again = Replayed::new(Vec::new(), stream);
    match &client.cover {
        Cover::Tls(session) if session.is_http2() => return http2::serve(again, client).await,
        Cover::None if client.worker.speaks_http2(client.listen) => {}
        _ => return http1::serve(again, client).await,
    }
    let limit = client.worker.header_timeout(client.listen);
    let looked = tokio::select! {
        looked = timeout(limit, http2::is_next(again.into_inner())) => looked,
        () = client.worker.left() => return,
    };
    match looked {
        Ok(Ok((true, stream))) => http2::serve(stream, client).await,
        Ok(Ok((false, stream))) => http1::serve(stream, client).await,
        // Nothing was asked.
        Ok(Err(_)) | Err(_) => {}
    }
}

/// One of a worker's connections, until dropped.
#[derive(Debug)]
pub struct Counted(pub Arc<Worker>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        // Several doors may be waiting, and the first may have nobody at it.
        self.0.ended.notify_waiters();
    }
}
