use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What one attempt was and did: a row of NGINX's `$upstream_*` variables (VR).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The peer asked (`127.0.0.1:8080`, `unix:/path`), or the group's name when none was left (NL-2).
    pub peer: Arc<str>,
    /// What it answered, or 502 or 504 for what its failure means; `None` while nothing is known.
    pub status: Option<u16>,
    /// Time to a connection; zero for a kept one, `None` when none was reached.
    pub connect_time: Option<Duration>,
    /// Time to the end of the response header, `None` when it never came.
    pub header_time: Option<Duration>,
    /// Time to the end of the attempt; while it runs, `None`.
    pub response_time: Option<Duration>,
    /// Body bytes received.
    pub response_length: u64,
    /// Bytes written to the peer.
    pub bytes_sent: u64,
    /// Bytes read from the peer.
    pub bytes_received: u64,
    /// Why it failed, in words for a log.
    pub failure: Option<String>,
    /// Its failure took the peer out of use (MF-16).
    pub disabled: bool,
}

impl Attempt {
    pub(crate) fn new(peer: Arc<str>) -> Self {
        Self {
            peer,
            status: None,
            connect_time: None,
            header_time: None,
            response_time: None,
            response_length: 0,
            bytes_sent: 0,
            bytes_received: 0,
            failure: None,
            disabled: false,
        }
    }

    /// NL-2.
    pub(crate) fn none_left(group: Arc<str>) -> Self {
        Self {
            status: Some(502),
            response_time: Some(Duration::ZERO),
            failure: Some("no live upstreams".into()),
            ..Self::new(group)
        }
    }
}

/// A record of every attempt a request made, for logs and for the curious.
///
/// One is for one request. Put it into the request's extensions and keep a clone: it is filled in
/// while the request runs, and complete when the response body has ended or been dropped, also when
/// the caller gave up half-way.
#[derive(Clone, Default)]
pub struct Trail(Arc<Mutex<Vec<Attempt>>>);

impl Trail {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The attempts so far, first to last.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.lock().clone()
    }

    /// Looks at the attempts so far without copying them.
    pub fn read<T>(&self, look: impl FnOnce(&[Attempt]) -> T) -> T {
        look(&self.lock())
    }

    /// One more attempt, and its row.
    pub(crate) fn begin(&self, attempt: Attempt) -> Row {
        let mut attempts = self.lock();
        attempts.push(attempt);
        Row {
            trail: self.clone(),
            index: attempts.len() - 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Attempt>> {
        // Rows are only pushed and overwritten whole, so a panic elsewhere leaves them usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attempt's place in a [`Trail`]; two attempts may be under way at a time.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    trail: Trail,
    index: usize,
}

impl Row {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Attempt)) {
        if let Some(attempt) = self.trail.lock().get_mut(self.index) {
            change(attempt);
        }
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.attempts()).finish()
    }
}
