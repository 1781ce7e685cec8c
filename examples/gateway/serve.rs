//! Accepting connections, and one connection from its first byte to its last.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::{Client, Phase};
use crate::config::Level;
use crate::handle::handle;
use crate::io::ClientIo;
use crate::refuse;
use crate::sockets::{Door, Listener};
use crate::stream::Stream;
use crate::worker::Worker;

/// hyper refuses smaller buffers.
const LEAST_BUFFER: usize = 8192;

/// What remains of a client's bytes is read for so long in all, and so long after the last of them:
/// closing on them would reset the connection and lose the answer.
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

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
    let client = Client::new(Arc::clone(worker), id, listen, remote, local);
    let counted = Counted(Arc::clone(worker));
    tokio::spawn(async move {
        let _counted = counted;
        connection(stream, client).await;
    });
}

/// One of a worker's connections, until dropped.
struct Counted(Arc<Worker>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        // Several doors may be waiting, and the first may have nobody at it.
        self.0.ended.notify_waiters();
    }
}

/// Serves a connection to its end, and what it may become after.
async fn connection(stream: Stream, client: Arc<Client>) {
    let handler = Arc::clone(&client);
    let service = service_fn(move |request| {
        let client = Arc::clone(&handler);
        async move {
            let answer = handle(Arc::clone(&client), request).await;
            client.set_unwritten(true);
            answer
        }
    });
    let io = TokioIo::new(ClientIo::new(stream, Arc::clone(&client)));
    let most = client.worker.head_limit(client.listen).max(LEAST_BUFFER);
    let mut connection = http1::Builder::new()
        .preserve_header_case(true)
        .title_case_headers(true)
        .max_buf_size(most)
        .allow_multiple_spaces_in_request_line_delimiters(true)
        // Small answers go out in one piece, which is cheaper than two.
        .writev(false)
        .serve_connection(io, service);
    let finished = drive(&mut connection, &client).await;
    let parts = connection.into_parts();
    let (tunnel, linger) = {
        let mut wire = client.wire();
        (wire.tunnel.take(), wire.linger)
    };
    if !finished {
        return;
    }
    let mut stream = parts.io.into_inner().into_inner();
    if let Some(tunnel) = tunnel {
        tunnel.run(stream, parts.read_buf).await;
        return;
    }
    // A client that has gone already is none of our business.
    if stream.shutdown().await.is_ok() && linger {
        let _ = timeout(LINGER_TIME, swallow(&mut stream)).await;
    }
}

/// Reads and forgets, until the client ends or pauses for long.
async fn swallow(stream: &mut Stream) {
    let mut scrap = [0; 4096];
    while let Ok(Ok(1..)) = timeout(LINGER_TIMEOUT, stream.read(&mut scrap)).await {}
}

/// Polls a connection and its timer, which is moved only when it must: most deadlines are replaced
/// by later ones long before they come. False if the connection ran out of time.
async fn drive<C>(connection: &mut C, client: &Arc<Client>) -> bool
where
    C: Future<Output = hyper::Result<()>> + Unpin,
{
    let worker = &client.worker;
    let mut leave = pin!(worker.leave.notified());
    let mut timer = pin!(sleep_until(Instant::now()));
    let mut armed: Option<Instant> = None;
    let mut left = false;
    let mut first = true;
    poll_fn(|cx| {
        if first {
            first = false;
            // Registers this task, which is woken even though nobody polls this again.
            let _ = leave.as_mut().poll(cx);
        }
        if !left && worker.leaving.load(Ordering::Relaxed) {
            left = true;
            client.leave();
        }
        if Pin::new(&mut *connection).poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        loop {
            if armed.is_some() && timer.is_elapsed() {
                armed = None;
            }
            let Some(deadline) = client.wire().next_deadline().map(Instant::from_std) else {
                return Poll::Pending;
            };
            if armed.is_some_and(|armed| armed <= deadline) {
                return Poll::Pending;
            }
            if deadline <= Instant::now() {
                break;
            }
            timer.as_mut().reset(deadline);
            armed = Some(deadline);
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let phase = client.wire().phase;
        if phase == Phase::Head {
            refuse::head_timed_out(client);
        }
        Poll::Ready(false)
    })
    .await
}
