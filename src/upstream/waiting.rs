use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::config::Proxy;
use super::exchange::Conn;
use crate::clock;
use crate::timeout::Elapsed;

/// The shortest time worth a timer.
const TICK: Duration = Duration::from_millis(1);

/// Sent, or being sent; waiting for the header.
pub(super) struct Wait {
    pub(super) conn: Box<Conn>,
    pub(super) reused: bool,
    pub(super) begun: Instant,
    /// Counters before this request.
    pub(super) written: u64,
    pub(super) read: u64,
}

impl Wait {
    pub(super) fn counters(&self) -> (u64, u64) {
        let meter = &self.conn.meter;
        (meter.written() - self.written, meter.read() - self.read)
    }

    /// Ready when the peer took no bytes for too long, or the request is out and no header came
    /// (TO-2, TO-3). The caller's own time for its body counts as neither.
    pub(super) fn poll_limits(
        &mut self,
        has_body: bool,
        proxy: &Proxy,
        cx: &mut Context<'_>,
    ) -> Poll<Elapsed> {
        let meter = &self.conn.meter;
        let (since, limit, elapsed) = match (meter.sent_at(), meter.blocked_since()) {
            // The head alone fits any socket's buffer, so sending it takes no time worth a timer.
            _ if !has_body => (self.begun, proxy.read_timeout, Elapsed::Header),
            (Some(sent), _) => (sent, proxy.read_timeout, Elapsed::Header),
            (None, Some(blocked)) => (blocked, proxy.send_timeout, Elapsed::Send),
            (None, None) => {
                // Either wait may begin at any moment: look again no later than it could end.
                let pause = proxy.send_timeout.min(proxy.read_timeout).max(TICK);
                let again = clock::after(clock::now(), pause);
                return self
                    .conn
                    .timer
                    .poll_until(again, cx)
                    .map(|()| Elapsed::Send);
            }
        };
        if limit.is_zero() {
            // Nothing waits for an answer to what has not been sent (TO-6).
            if meter.written() == self.written && self.begun.elapsed() < TICK {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(elapsed);
        }
        let end = clock::after(since, limit);
        // Nobody tells when the peer takes bytes again and the request is out: look no later than the
        // wait for its header could end.
        let again = clock::after(clock::now(), proxy.read_timeout.max(TICK));
        let next = match elapsed {
            Elapsed::Send if again < end => again,
            _ => end,
        };
        self.conn.timer.poll_until(next, cx).map(|()| elapsed)
    }
}
