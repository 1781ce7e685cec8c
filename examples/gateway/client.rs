//! A client's connection as its requests, its socket and its timer see it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tower_upstream::connect::Spelling;

use crate::serve::Counted;
use crate::tls::Cover;
use crate::tunnel::Tunnel;
use crate::worker::Worker;

/// How long a connection that has nothing to do may wait for one more request when its worker goes.
/// A request already on its way then still gets an answer, which a closed socket would deny it.
pub const GRACE: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub id: u64,
    /// Where it comes from; nothing for `unix:`.
    pub remote: Option<SocketAddr>,
    /// The same in words, without the port.
    pub remote_text: String,
    /// Index into the plan's listens.
    pub listen: usize,
    /// Who serves it.
    pub worker: Arc<Worker>,
    /// Where it arrived; nothing for `unix:`.
    pub local: Option<SocketAddr>,
    /// What stands between it and those who listen in.
    pub cover: Cover,
    /// Here, because a request may outlive its connection (`proxy_ignore_client_abort`).
    _counted: Counted,
    requests: AtomicU64,
    /// Bytes of heads and bodies in HTTP/2, both ways.
    useful: AtomicU64,
    wire: Mutex<Wire>,
    /// The worker is going.
    leaving: AtomicBool,
    /// Some of our own answers may still lie in hyper's buffer.
    unwritten: AtomicBool,
}

/// What happens on a connection at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Between requests.
    Idle,
    /// The head of a request is coming.
    Head,
    /// A request is served.
    Busy,
}

/// The state shared by socket, requests and timer.
#[derive(Debug)]
pub struct Wire {
    /// What happens at present.
    pub phase: Phase,
    /// Requests being served.
    serving: usize,
    /// When waiting ends.
    pub deadline: Option<Instant>,
    /// Whoever keeps to the deadline, if others may set it.
    watcher: Option<Waker>,
    /// When the head being read began.
    pub begun: Instant,
    /// Bytes of the head being read, or of the heads read together with it.
    pub raw: Vec<u8>,
    /// Requests already made of `raw`.
    pub taken: usize,
    /// Of these, one had a body.
    pub body_seen: bool,
    /// One came behind a body, so it cannot be found in `raw`.
    pub later_than_body: bool,
    /// The body of the last request is still being read, though it has been answered: what comes
    /// may be body or head.
    pub discarding: bool,
    /// The next head written answers an HTTP/1.0 request.
    pub old: bool,
    /// How the names in the next head written are spelt.
    pub spelling: Spelling,
    /// Trailers, to be written behind the last chunk of the answer being sent.
    pub tail: Vec<u8>,
    /// A client that stops sending still wants its answer.
    pub hold_eof: bool,
    /// The client may still be sending when its connection is closed.
    pub linger: bool,
    /// What the connection becomes after its 101.
    pub tunnel: Option<Tunnel>,
    /// When a client that takes nothing of its answer is given up.
    write_deadline: Option<Instant>,
    /// It has not taken all of its answer, though its request may be over.
    untaken: bool,
    /// How long it may do nothing once it has.
    keepalive: Duration,
}

impl Client {
    /// A connection just accepted.
    pub fn new(
        counted: Counted,
        id: u64,
        listen: usize,
        remote: Option<SocketAddr>,
        local: Option<SocketAddr>,
        cover: Cover,
    ) -> Arc<Self> {
        let now = Instant::now();
        let worker = Arc::clone(&counted.0);
        let wait = worker.header_timeout(listen);
        Arc::new(Self {
            id,
            remote,
            remote_text: remote.map_or("unix:".into(), |address| address.ip().to_string()),
            listen,
            worker,
            local,
            cover,
            _counted: counted,
            requests: AtomicU64::new(0),
            useful: AtomicU64::new(0),
            leaving: AtomicBool::new(false),
            unwritten: AtomicBool::new(false),
            wire: Mutex::new(Wire::new(now, wait)),
        })
    }

    /// The state shared with socket and timer. Never held across an await.
    pub fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing has been asked yet.
    pub fn is_new(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }

    /// A head is complete: when it began, and the request's number.
    pub fn begin_request(&self, has_body: bool) -> (Instant, u64) {
        let mut wire = self.wire();
        if wire.phase == Phase::Idle {
            // It was read together with an earlier one.
            wire.begun = Instant::now();
        }
        wire.begin();
        wire.taken += 1;
        wire.later_than_body |= wire.body_seen || wire.discarding;
        wire.discarding = false;
        wire.body_seen |= has_body;
        let serial = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        (wire.begun, serial)
    }

    /// A stream has begun: now, and the request's number.
    pub fn begin_stream(&self) -> (Instant, u64) {
        self.wire().begin();
        let serial = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        (Instant::now(), serial)
    }

    /// So much has been said that somebody wanted to know.
    pub fn has_moved(&self, bytes: usize) {
        self.useful.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes that were worth reading or writing.
    pub fn useful(&self) -> u64 {
        self.useful.load(Ordering::Relaxed)
    }

    /// A request is over; if it was the only one, the next may begin within `keepalive`.
    pub fn end_request(&self, keepalive: Duration) {
        let mut wire = self.wire();
        wire.serving = wire.serving.saturating_sub(1);
        if wire.serving > 0 {
            return;
        }
        let now = Instant::now();
        let wait = if self.is_leaving() {
            keepalive.min(GRACE)
        } else {
            keepalive
        };
        wire.hold_eof = false;
        wire.rest(now, wait);
    }

    /// The worker is going: requests under way are finished, and there is a last chance for one that
    /// is on its way.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        let mut wire = self.wire();
        wire.keepalive = wire.keepalive.min(GRACE);
        if wire.phase == Phase::Idle {
            let now = Instant::now();
            let last = now + GRACE;
            // One that has passed is why it is to end, and no reason to end it at once.
            let deadline = wire.deadline.filter(|deadline| *deadline > now);
            wire.deadline = Some(deadline.map_or(last, |deadline| deadline.min(last)));
        }
    }

    /// Whether the connection must end after the request being served.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Bytes of an answer go to hyper, or all it had have gone to the socket.
    pub fn set_unwritten(&self, unwritten: bool) {
        self.unwritten.store(unwritten, Ordering::Relaxed);
    }

    /// Whether what is written next may be an answer of ours, whatever it looks like.
    pub fn is_unwritten(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Looks at the head being served as it came, if it can be told from its neighbours.
    pub fn raw_head<T>(&self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let wire = self.wire();
        if wire.taken == 0 || wire.later_than_body {
            return None;
        }
        let mut rest = &wire.raw[..];
        for _ in 1..wire.taken {
            rest = &rest[head_end(rest)?..];
        }
        Some(look(&rest[..head_end(rest)?]))
    }
}

impl Wire {
    /// A connection that may do nothing for so long.
    fn new(now: Instant, wait: Duration) -> Self {
        Self {
            phase: Phase::Idle,
            serving: 0,
            deadline: Some(now + wait),
            watcher: None,
            begun: now,
            raw: Vec::new(),
            taken: 0,
            body_seen: false,
            later_than_body: false,
            discarding: false,
            old: false,
            spelling: Spelling::default(),
            tail: Vec::new(),
            hold_eof: false,
            linger: false,
            tunnel: None,
            write_deadline: None,
            untaken: false,
            keepalive: wait,
        }
    }

    fn begin(&mut self) {
        self.phase = Phase::Busy;
        self.deadline = None;
        self.serving += 1;
    }

    /// What has come behind the heads that became requests, or nothing if that cannot be told.
    pub fn rest_of_raw(&self) -> &[u8] {
        let mut rest = &self.raw[..];
        for _ in 0..self.taken {
            rest = head_end(rest).map_or(&[], |end| &rest[end..]);
        }
        if self.body_seen { &[] } else { rest }
    }

    /// Nothing is asked for; what comes next may begin within `keepalive`.
    fn rest(&mut self, now: Instant, keepalive: Duration) {
        self.phase = Phase::Idle;
        self.keepalive = keepalive;
        self.deadline = Some(now + keepalive);
        if let Some(watcher) = self.watcher.take() {
            watcher.wake();
        }
    }

    /// The task of `cx` is woken when nothing is asked for any more. With HTTP/2 nothing else may wake
    /// it then: a request can outlive its stream.
    pub fn watch(&mut self, cx: &Context<'_>) {
        let watcher = self.watcher.get_or_insert_with(|| cx.waker().clone());
        watcher.clone_from(cx.waker());
    }

    /// The client takes no more of its answer at present.
    pub fn stall(&mut self, now: Instant, limit: Duration) {
        self.untaken = true;
        self.write_deadline.get_or_insert(now + limit);
    }

    /// It has taken some of it.
    pub fn advance(&mut self) {
        self.write_deadline = None;
    }

    /// It has taken all of it: if its request was over before, it is idle only now.
    pub fn finish(&mut self, now: impl FnOnce() -> Instant) {
        self.advance();
        if std::mem::take(&mut self.untaken) && self.phase == Phase::Idle {
            self.deadline = Some(now() + self.keepalive);
        }
    }

    /// When something must be given up. Whoever still takes its last answer is not idle.
    pub fn next_deadline(&self) -> Option<Instant> {
        match (self.deadline, self.write_deadline) {
            (_, Some(write)) if self.phase == Phase::Idle => Some(write),
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

/// Where the first head in `bytes` ends: behind its empty line.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    let lead = bytes
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    let mut line = lead;
    loop {
        let end = line + bytes[line..].iter().position(|&b| b == b'\n')? + 1;
        if matches!(&bytes[line..end], b"\n" | b"\r\n") {
            return Some(end);
        }
        line = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_an_answer_slowly_is_not_idle() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        let mut wire = Wire::new(now, second);
        wire.begin();
        wire.stall(now, 60 * second);
        wire.rest(now, 5 * second);
        assert_eq!(wire.next_deadline(), Some(now + 60 * second));
        let later = now + 30 * second;
        wire.advance();
        wire.stall(later, 60 * second);
        assert_eq!(wire.next_deadline(), Some(later + 60 * second));
        let last = later + 30 * second;
        wire.finish(|| last);
        assert_eq!(wire.next_deadline(), Some(last + 5 * second));
        wire.finish(|| last + second);
        assert_eq!(wire.next_deadline(), Some(last + 5 * second));
    }

    #[test]
    fn a_head_ends_behind_its_empty_line() {
        for (bytes, end) in [
            (&b"GET / HTTP/1.1\r\n\r\nrest"[..], Some(18)),
            (b"GET / HTTP/1.1\nA: b\n\nrest", Some(21)),
            (b"\r\n\nGET / HTTP/1.1\r\n\r\n", Some(21)),
            (b"GET / HTTP/1.1\r\nA: b\r\n", None),
            (b"", None),
        ] {
            assert_eq!(head_end(bytes), end, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
