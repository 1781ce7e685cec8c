use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Spelling;
use crate::clock;

/// What a connection has done, told by its socket to whoever sends a request over it.
///
/// Plain counters: each is written by the connection's task alone, and read for decisions that a
/// stale value merely delays.
#[derive(Debug)]
pub(crate) struct Meter {
    start: Instant,
    written: AtomicU64,
    read: AtomicU64,
    /// Nothing has come since the request began.
    unanswered: AtomicBool,
    /// The request has a body, so writes are worth a clock reading.
    timed: AtomicBool,
    /// There is a spelling for the next head.
    spells: AtomicBool,
    spelling: Mutex<Spelling>,
    body_ended: AtomicBool,
    /// One of many on its connection: nobody tells of its writes, so its body's progress stands for
    /// them.
    of_stream: bool,
    /// Microseconds from `start` to when the peer took no more bytes; 0 while it takes them.
    blocked: AtomicU64,
    /// Microseconds from `start` to when the request was completely sent; 0 until then.
    sent: AtomicU64,
}

impl Meter {
    fn new() -> Self {
        Self {
            start: clock::now(),
            written: AtomicU64::new(0),
            read: AtomicU64::new(0),
            unanswered: AtomicBool::new(false),
            timed: AtomicBool::new(false),
            spells: AtomicBool::new(false),
            spelling: Mutex::default(),
            body_ended: AtomicBool::new(false),
            of_stream: false,
            blocked: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }

    /// For one request over a connection that others share.
    #[cfg(feature = "http2")]
    pub(crate) fn of_stream() -> Self {
        Self {
            of_stream: true,
            ..Self::new()
        }
    }

    /// The next head is written with these names.
    pub(crate) fn spell(&self, spelling: &Spelling) {
        *self.spelling() = spelling.clone();
        self.spells.store(true, Relaxed);
    }

    fn spelling(&self) -> MutexGuard<'_, Spelling> {
        self.spelling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the connection was made.
    pub(crate) fn born(&self) -> Instant {
        self.start
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    pub(crate) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// A request begins; with a body its writes are timed.
    pub(crate) fn begin(&self, has_body: bool) {
        self.unanswered.store(true, Relaxed);
        self.timed.store(has_body, Relaxed);
        self.body_ended.store(!has_body, Relaxed);
        self.blocked.store(0, Relaxed);
        self.sent.store(0, Relaxed);
        if self.of_stream {
            // Until there is room for one more stream.
            self.blocked();
        }
    }

    /// The last byte of the body was handed to hyper; what is left is in its buffer.
    pub(crate) fn body_ended(&self) {
        self.body_ended.store(true, Relaxed);
        if self.of_stream {
            self.flushed();
        }
    }

    /// hyper asks for more of the body: what it had is on its way.
    pub(crate) fn body_wanted(&self) {
        if self.of_stream {
            self.blocked.store(0, Relaxed);
        }
    }

    /// hyper was given some of the body, and asks for more only once the peer has room for it.
    pub(crate) fn body_given(&self) {
        if self.of_stream {
            self.blocked();
        }
    }

    /// Since when the peer takes no bytes of a request with a body, although there are some.
    pub(crate) fn blocked_since(&self) -> Option<Instant> {
        self.at(&self.blocked)
    }

    /// Some of a request's body is still to be sent.
    pub(crate) fn sending(&self) -> bool {
        self.timed.load(Relaxed)
    }

    /// When the request with a body was completely sent.
    pub(crate) fn sent_at(&self) -> Option<Instant> {
        self.at(&self.sent)
    }

    fn at(&self, moment: &AtomicU64) -> Option<Instant> {
        match moment.load(Relaxed) {
            0 => None,
            micros => Some(self.start + Duration::from_micros(micros)),
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        (at.saturating_duration_since(self.start).as_micros() as u64).max(1)
    }

    fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Relaxed);
        if self.timed.load(Relaxed) {
            self.blocked.store(0, Relaxed);
        }
    }

    fn blocked(&self) {
        if self.timed.load(Relaxed) && self.blocked.load(Relaxed) == 0 {
            self.blocked.store(self.micros(clock::now()), Relaxed);
        }
    }

    /// hyper flushes its socket only once its own buffer is empty.
    fn flushed(&self) {
        if self.timed.load(Relaxed) && self.body_ended.load(Relaxed) {
            self.sent.store(self.micros(clock::now()), Relaxed);
            self.timed.store(false, Relaxed);
        }
    }
}

/// A socket that keeps a [`Meter`].
#[derive(Debug)]
pub(crate) struct Metered<T> {
    io: T,
    meter: Arc<Meter>,
    /// A respelt head, as far as it has not been written. It stands for as many of hyper's bytes.
    respelt: Vec<u8>,
    written: usize,
    /// The peer began with something else than its answer: interim answers, of which hyper skips as
    /// many as there are within one poll, and a peer may have any number.
    rambles: bool,
    /// Others have had their turn since the last read of that.
    waited: bool,
}

/// How much of a rambling peer is read at a time.
const MOUTHFUL: usize = 16 * 1024;

impl<T> Metered<T> {
    pub(crate) fn new(io: T) -> (Self, Arc<Meter>) {
        let meter = Arc::new(Meter::new());
        let metered = Self {
            io,
            meter: Arc::clone(&meter),
            respelt: Vec::new(),
            written: 0,
            rambles: false,
            waited: false,
        };
        (metered, meter)
    }

    fn respell(&mut self, head: &[u8]) {
        self.meter.spells.store(false, Relaxed);
        self.respelt.clear();
        self.respelt.extend_from_slice(head);
        self.written = 0;
        self.meter.spelling().spell(&mut self.respelt);
    }
}

impl<T: AsyncRead + Unpin> Metered<T> {
    /// A little, when everybody else has had a turn.
    fn poll_mouthful(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if !std::mem::replace(&mut self.waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [0; MOUTHFUL];
        let mut part = ReadBuf::new(&mut bytes[..MOUTHFUL.min(buf.remaining())]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        self.waited = false;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        let first = this.meter.unanswered.load(Relaxed);
        let before = buf.filled().len();
        let polled = match this.rambles && !first {
            true => this.poll_mouthful(cx, buf),
            false => Pin::new(&mut this.io).poll_read(cx, buf),
        };
        let fresh = &buf.filled()[before..];
        this.meter.read.fetch_add(fresh.len() as u64, Relaxed);
        if first && !fresh.is_empty() {
            this.meter.unanswered.store(false, Relaxed);
            // `HTTP/1.1 2`, and so on up to 5, is the answer itself.
            this.rambles = !fresh
                .get(9)
                .is_some_and(|digit| (b'2'..=b'5').contains(digit));
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let this = &mut *self;
        if this.meter.spells.load(Relaxed) {
            this.respell(buf);
        }
        let waiting = this.written < this.respelt.len();
        let buf = if waiting {
            &this.respelt[this.written..]
        } else {
            buf
        };
        let polled = Pin::new(&mut this.io).poll_write(cx, buf);
        match polled {
            Poll::Ready(Ok(bytes)) => {
                this.meter.wrote(bytes);
                if waiting {
                    this.written += bytes;
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => this.meter.blocked(),
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        if self.meter.spells.load(Relaxed) || self.written < self.respelt.len() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| &**buf));
        }
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        match polled {
            Poll::Ready(Ok(bytes)) => self.meter.wrote(bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.meter.blocked(),
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        if let Poll::Ready(Ok(())) = polled {
            self.meter.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
