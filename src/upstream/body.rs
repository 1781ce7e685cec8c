use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::config::{Grpc, Proxy};
use super::exchange::{Conn, Peer};
use super::owed::Owed;
use super::sticky::Pending;
use super::trail::Row;
use crate::balance::{Ending, Lease, Route};
use crate::classify::http::{Cancelled, Told};
use crate::classify::{Condition, grpc};
use crate::clock;
use crate::error::BoxError;
use crate::retry::attempt::Watch;
use crate::timeout::Elapsed;

/// A response body as it streams from a peer.
///
/// It carries the attempt to its end: when the last byte has come the connection goes back to the
/// pool and the peer's slot is free. A body that breaks off, or stalls for longer than
/// [`read_timeout`](crate::Proxy::read_timeout), ends in an error, never as if it were complete.
/// Dropping it early closes the connection.
///
/// The body of a `101 Switching Protocols` is empty and holds the peer's slot until it is dropped:
/// keep it as long as the tunnel lives.
pub struct ResponseBody {
    incoming: Incoming,
    ride: Option<Ride>,
    /// When the next read must have come; set by the first poll that finds nothing.
    due: Option<Instant>,
    length: u64,
    /// It broke off, and says nothing more.
    cut_short: bool,
}

/// What travels with a response until its body has ended.
pub(super) struct Ride {
    pub(super) conn: Box<Conn>,
    pub(super) peer: Peer,
    pub(super) proxy: Arc<Proxy>,
    pub(super) row: Option<Row>,
    pub(super) started: Instant,
    pub(super) lease: Option<(Lease, Ending)>,
    /// What its end will teach of its session.
    pub(super) lesson: Option<Box<Pending>>,
    /// The whole request's.
    pub(super) deadline: Option<Instant>,
    pub(super) owed: Owed,
    pub(super) reusable: bool,
    pub(super) upgraded: bool,
    /// Present when the request has a body.
    pub(super) watch: Option<Watch>,
    /// It is a gRPC call, whose status is looked at.
    pub(super) grpc: Option<Grpc>,
    /// Counters before this request.
    pub(super) written: u64,
    pub(super) read: u64,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, ride: Ride) -> Self {
        Self {
            incoming,
            ride: Some(ride),
            due: None,
            length: 0,
            cut_short: false,
        }
    }

    /// What sticky requests call the peer, as long as the attempt is not over.
    pub(super) fn route(&self) -> Option<Route> {
        self.ride.as_ref()?.peer.route
    }

    /// What its status means, if it is the answer to a gRPC call.
    pub(super) fn grpc(&self) -> Option<Grpc> {
        self.ride.as_ref()?.grpc
    }

    /// Books the attempt's lease on the body, which may already be over.
    pub(super) fn carry(
        &mut self,
        lease: Option<(Lease, Ending)>,
        lesson: Option<Box<Pending>>,
        deadline: Option<Instant>,
    ) {
        if let Some(ride) = &mut self.ride {
            ride.lease = lease;
            ride.lesson = lesson;
            ride.deadline = deadline;
        }
        self.end_if_over();
    }

    /// Keeps the connection of a response without a body that nobody will read (KA-15).
    pub(super) fn let_go(mut self) {
        self.end_if_over();
    }

    fn end_if_over(&mut self) {
        let upgraded = self.ride.as_ref().is_some_and(|ride| ride.upgraded);
        if !upgraded && self.incoming.is_end_stream() {
            self.end();
        }
    }

    /// The last byte has come.
    fn end(&mut self) {
        let Some(ride) = self.ride.take() else {
            return;
        };
        let conn = ride.settle(None, self.length, None);
        if let Some((conn, peer)) = conn {
            peer.pool.put(peer.target.address, conn);
        }
    }

    /// No more will come, though more was promised. The connection goes with it.
    fn cut(&mut self, ending: Ending, why: Option<&dyn fmt::Display>) {
        if let Some(ride) = self.ride.take() {
            self.cut_short = true;
            ride.settle(Some(ending), self.length, why);
        }
    }

    /// Trailers have come, the last of all; a gRPC call's say how it ended.
    fn trailers(&mut self, trailers: &HeaderMap) {
        let Some(ride) = &mut self.ride else {
            return;
        };
        let code = ride.grpc.zip(grpc::of_headers(trailers));
        let condition = code.and_then(|(grpc, code)| grpc.condition(code));
        if let (Some(Condition::Grpc { counts: true, .. }), Some((_, ending))) =
            (condition, &mut ride.lease)
        {
            *ending = Ending::Failed;
        }
        self.end();
    }

    /// Whether the whole request's time is over; looked at by every frame, for a body may never pause.
    fn too_late(&self) -> bool {
        let deadline = self.ride.as_ref().and_then(|ride| ride.deadline);
        deadline.is_some_and(|deadline| clock::now() >= deadline)
    }

    /// It has ended before its end.
    fn is_cancelled(&self) -> bool {
        let owed = self.ride.as_ref().map(|ride| ride.owed);
        !self.incoming.is_end_stream() && owed.is_some_and(|owed| owed.is_owed(self.length))
    }

    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<Elapsed> {
        let Some(ride) = &mut self.ride else {
            return Poll::Pending;
        };
        let due = match self.due {
            Some(due) => due,
            None => *self
                .due
                .insert(clock::after(clock::now(), ride.proxy.read_timeout)),
        };
        match ride.deadline {
            Some(deadline) if deadline < due => {
                ready!(ride.conn.timer.poll_until(deadline, cx));
                Poll::Ready(Elapsed::Request)
            }
            _ => {
                ready!(ride.conn.timer.poll_until(due, cx));
                Poll::Ready(Elapsed::Body)
            }
        }
    }

    fn out_of_time(&mut self, elapsed: Elapsed) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let ending = match elapsed {
            // Our own limit is no evidence against the peer.
            Elapsed::Request => Ending::Dropped,
            _ => Ending::Cut,
        };
        self.cut(ending, Some(&elapsed));
        Poll::Ready(Some(Err(elapsed.into())))
    }
}

impl Ride {
    /// Writes down what came of the attempt and gives its slot back; `ending` overrules what the
    /// lease was to end with. Returns the connection if it may serve again.
    fn settle(
        self,
        ending: Option<Ending>,
        length: u64,
        why: Option<&dyn fmt::Display>,
    ) -> Option<(Box<Conn>, Peer)> {
        let disabled = self.lease.is_some_and(|(lease, planned)| {
            let ending = ending.unwrap_or(planned);
            if let Some(lesson) = self.lesson {
                lesson.over(ending);
            }
            lease.settle(ending)
        });
        if let Some(row) = &self.row {
            let response_time = self.started.elapsed();
            let meter = &self.conn.meter;
            row.update(|attempt| {
                attempt.response_time = Some(response_time);
                attempt.response_length = length;
                attempt.bytes_sent = meter.written() - self.written;
                attempt.bytes_received = meter.read() - self.read;
                attempt.failure = why.map(ToString::to_string);
                attempt.disabled |= disabled;
            });
        }
        let sent = self.watch.is_none() || self.conn.meter.sent_at().is_some();
        if let (false, Some(watch)) = (sent, self.watch) {
            watch.stop();
            self.conn.abandon();
        }
        (ending.is_none() && self.reusable && sent).then_some((self.conn, self.peer))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.cut_short {
            return Poll::Ready(None);
        }
        if this.too_late() {
            return this.out_of_time(Elapsed::Request);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.due = None;
                this.length += frame.data_ref().map_or(0, |data| data.len() as u64);
                match frame.trailers_ref() {
                    Some(trailers) => this.trailers(trailers),
                    None => this.end_if_over(),
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.cut(Ending::Cut, Some(&Told(&error)));
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) if this.is_cancelled() => {
                this.cut(Ending::Cut, Some(&Cancelled));
                Poll::Ready(Some(Err(Cancelled.into())))
            }
            Poll::Ready(None) => {
                if this.ride.as_ref().is_some_and(|ride| !ride.upgraded) {
                    this.end();
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                let elapsed = ready!(this.poll_limits(cx));
                this.out_of_time(elapsed)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut_short || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let upgraded = self.ride.as_ref().is_some_and(|ride| ride.upgraded);
        let ending = if upgraded {
            Ending::Served
        } else {
            Ending::Dropped
        };
        self.cut(ending, None);
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
