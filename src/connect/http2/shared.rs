use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release,
};
use std::task::Poll;
use std::time::Duration;

use http_body::Body;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::tasks::Tasks;
use crate::clock;
use crate::connect::conn::Conn;
use crate::connect::target::{Protocol, Target};
use crate::connect::tcp::Socket;
use crate::error::BoxError;
use crate::timeout::Timer;

/// An HTTP/2 connection to a peer, shared by as many requests as it has streams for.
pub(crate) struct Shared<B> {
    id: u64,
    /// Who the peer is, if that takes more than an address.
    identity: Option<Arc<str>>,
    sender: SendRequest<B>,
    state: Arc<State>,
}

/// What a connection's requests, its task and the pool tell each other.
#[derive(Debug)]
struct State {
    born: Instant,
    rules: Rules,
    /// Streams in use.
    streams: AtomicUsize,
    /// What the peer allows; its settings may change at any time.
    allowed: AtomicUsize,
    served: AtomicU64,
    /// The peer has answered something, so it has said before what it allows.
    heard: AtomicBool,
    /// It takes no more requests, and ends with its last one.
    retired: AtomicBool,
    /// Microseconds from `born` to when the last stream ended.
    quiet_since: AtomicU64,
    changed: Notify,
}

/// What a connection is used for, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Most streams at once.
    pub(crate) streams: usize,
    /// Requests it serves (KA-5).
    pub(crate) requests: u64,
    /// Age past which it serves no more (KA-5).
    pub(crate) time: Duration,
    /// How long it may be without a stream.
    pub(crate) idle: Duration,
    /// How often a quiet peer is asked whether it is there; `None` is never.
    pub(crate) ping: Option<Duration>,
    /// How long it has to answer that.
    pub(crate) ping_timeout: Duration,
}

/// One stream; it is given back when it is dropped.
pub(in crate::connect) struct Stream<B> {
    pub(in crate::connect) sender: SendRequest<B>,
    state: Arc<State>,
}

impl<B> Stream<B> {
    /// An answer has come.
    pub(in crate::connect) fn heard(&self) {
        self.state.heard.store(true, Relaxed);
    }

    /// Its connection takes no more requests.
    pub(in crate::connect) fn retire(&self) {
        self.state.retire();
    }
}

impl<B> Drop for Stream<B> {
    fn drop(&mut self) {
        let quiet = self.state.born.elapsed().as_micros() as u64;
        self.state.quiet_since.store(quiet, Relaxed);
        if self.state.streams.fetch_sub(1, AcqRel) == 1 {
            self.state.changed.notify_one();
        }
    }
}

impl<B> Shared<B>
where
    B: Body + Send + 'static,
{
    /// A stream, if there is one left.
    pub(crate) fn open(&self) -> Option<Conn<B>> {
        let State { rules, .. } = &*self.state;
        if self.is_over() {
            return None;
        }
        let most = rules.streams.min(self.state.allowed.load(Relaxed)).max(1);
        let one_more = |streams| (streams < most).then_some(streams + 1);
        self.state
            .streams
            .fetch_update(AcqRel, Acquire, one_more)
            .ok()?;
        let stream = Stream {
            sender: self.sender.clone(),
            state: Arc::clone(&self.state),
        };
        let served = self.state.served.fetch_add(1, Relaxed);
        if served + 1 >= rules.requests || self.state.born.elapsed() > rules.time {
            self.retire();
        }
        Some(Conn::stream(self.id, served, stream))
    }

    /// Its peer is whom a request to `target` is meant for, provided that the address is the same.
    pub(crate) fn is_to(&self, target: &Target) -> bool {
        self.identity.as_ref() == target.identity()
    }

    /// It takes no more requests.
    pub(crate) fn is_over(&self) -> bool {
        self.state.retired.load(Acquire) || self.sender.is_closed()
    }

    /// When it was made.
    pub(crate) fn born(&self) -> Instant {
        self.state.born
    }

    /// Streams the peer allows.
    pub(crate) fn allowed(&self) -> usize {
        self.state.allowed.load(Relaxed)
    }

    /// It takes no more requests, and ends with its last one.
    pub(crate) fn retire(&self) {
        self.state.retire();
    }
}

impl State {
    fn retire(&self) {
        self.retired.store(true, Release);
        self.changed.notify_one();
    }
}

impl<B> fmt::Debug for Shared<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Streams before the peer has said how many.
const UNTOLD: usize = 1;

/// Connects, over TLS with `h2` agreed on and else with prior knowledge, and leaves a task behind that
/// drives the connection. `allowed` is what the peer allowed on its last connection.
pub(crate) async fn connect<B>(
    target: &Target,
    id: u64,
    rules: Rules,
    allowed: usize,
) -> Result<Shared<B>, BoxError>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let socket = target.reach(Protocol::Http2).await?;
    let tasks = Tasks::default();
    let mut builder = http2::Builder::new(tasks.clone());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(super::MOST_HEADERS)
        .keep_alive_interval(rules.ping)
        .keep_alive_timeout(rules.ping_timeout)
        // More than the peer allows would be refused, and it has yet to say; they wait their turn.
        .initial_max_send_streams(UNTOLD);
    let (sender, connection) = builder.handshake(TokioIo::new(socket)).await?;
    let state = Arc::new(State {
        born: clock::now(),
        rules,
        streams: AtomicUsize::new(0),
        allowed: AtomicUsize::new(allowed),
        served: AtomicU64::new(0),
        heard: AtomicBool::new(false),
        retired: AtomicBool::new(false),
        quiet_since: AtomicU64::new(0),
        changed: Notify::new(),
    });
    let driven = drive(connection, Arc::clone(&state));
    tokio::spawn(async move {
        driven.await;
        tasks.end();
    });
    Ok(Shared {
        id,
        identity: target.identity().cloned(),
        sender,
        state,
    })
}

/// The connection's task. It ends when no request uses the connection and the peer has closed it, it is
/// retired or has been quiet for too long.
async fn drive<B>(connection: http2::Connection<TokioIo<Socket>, B, Tasks>, state: Arc<State>)
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut connection = pin!(Some(connection));
    let idle = state.rules.idle;
    let mut quiet = Timer::new(clock::after(state.born, idle));
    let mut changed = pin!(state.changed.notified());
    poll_fn(|cx| {
        if let Some(mut begins) = connection.as_mut().as_pin_mut() {
            let over = begins.as_mut().poll(cx).is_ready();
            let allowed = begins.current_max_send_streams();
            if allowed != UNTOLD || state.heard.load(Relaxed) {
                state.allowed.store(allowed, Relaxed);
            }
            if over {
                // No more streams can begin; those the peer has taken go on, on the socket's own task.
                // Dropped at once, or requests that wait in it would not be given back.
                connection.set(None);
                state.retired.store(true, Release);
            }
        }
        while changed.as_mut().poll(cx).is_ready() {
            changed.set(state.changed.notified());
        }
        if state.streams.load(Acquire) > 0 {
            return Poll::Pending;
        }
        if state.retired.load(Acquire) {
            return Poll::Ready(());
        }
        let since = state.born + Duration::from_micros(state.quiet_since.load(Relaxed));
        // Whoever made it is about to use it.
        let used = state.served.load(Relaxed) > 0;
        let over = quiet.poll_until(clock::after(since, idle), cx).is_ready() && used;
        // Nobody may begin a request between this look and the end.
        let over = over
            && state
                .streams
                .compare_exchange(0, usize::MAX / 2, AcqRel, Acquire)
                .is_ok();
        match over {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    state.retired.store(true, Release);
}
