use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;
use tower_service::Service;

use super::body::{ResponseBody, Ride};
use super::config::{Grpc, Proxy};
#[cfg(feature = "http2")]
use super::connecting::connect_shared;
use super::connecting::{ConnectError, Connecting, connect};
#[cfg(feature = "http2")]
use super::head::to_http2;
use super::owed::Owed;
use super::trail::Row;
use super::waiting::Wait;
use crate::balance::Route;
#[cfg(feature = "http2")]
use crate::classify::http::stream_outcome;
use crate::classify::http::{AttemptError, condition, connect_condition, header_size, keeps_alive};
use crate::classify::{Condition, Outcome};
use crate::clock;
#[cfg(feature = "tls")]
use crate::connect::Tls;
use crate::connect::{self, Address, Spelling, Target};
use crate::error::BoxError;
use crate::pool::Pool;
use crate::retry::attempt::{AttemptBody, Watch};
use crate::semantics::Semantics;
use crate::timeout::Elapsed;

pub(super) type Conn = connect::Conn<AttemptBody>;

/// One peer as an HTTP service: a kept connection or a new one, one request, one response header.
#[derive(Clone, Debug)]
pub(super) struct HttpEndpoint {
    pub(super) address: Arc<Address>,
    /// Its line, as written.
    #[cfg(feature = "tls")]
    pub(super) origin: Arc<str>,
    /// What sticky requests call it.
    pub(super) route: Option<Route>,
}

/// Where an attempt goes, and whence its connection comes.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) target: Target,
    pub(super) route: Option<Route>,
    /// The worker's own, whoever knows of the peer.
    pub(super) pool: Arc<Pool<AttemptBody>>,
}

/// What one attempt sends, and under which limits.
pub(super) struct HttpAttempt {
    pub(super) request: Request<AttemptBody>,
    pub(super) has_body: bool,
    /// A kept connection will not do.
    pub(super) fresh: bool,
    pub(super) semantics: Semantics,
    /// It is a gRPC call, whose status is looked at.
    pub(super) grpc: Option<Grpc>,
    pub(super) proxy: Arc<Proxy>,
    pub(super) pool: Arc<Pool<AttemptBody>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) row: Option<Row>,
    /// How header names are written, if unusually.
    pub(super) spelling: Option<Spelling>,
}

impl Service<HttpAttempt> for HttpEndpoint {
    type Response = Response<ResponseBody>;
    type Error = AttemptError;
    type Future = Exchange;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AttemptError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: HttpAttempt) -> Exchange {
        let HttpAttempt {
            request,
            has_body,
            fresh,
            semantics,
            grpc,
            proxy,
            pool,
            #[cfg(feature = "tls")]
            tls,
            row,
            spelling,
        } = attempt;
        Exchange {
            peer: Peer {
                target: Target {
                    address: Arc::clone(&self.address),
                    #[cfg(feature = "tls")]
                    tls: tls.map(|tls| (tls, Arc::clone(&self.origin))),
                },
                route: self.route,
                pool,
            },
            watch: has_body.then(|| request.body().watch()),
            request: Some(request),
            fresh,
            semantics,
            grpc,
            proxy,
            row,
            spelling,
            started: clock::now(),
            phase: Phase::Checkout,
        }
    }
}

/// An attempt on its way to a response header.
pub(super) struct Exchange {
    peer: Peer,
    /// Until it is handed to a connection.
    request: Option<Request<AttemptBody>>,
    /// Present when the request has a body.
    watch: Option<Watch>,
    fresh: bool,
    /// Whether what a peer says of a stream is believed.
    #[cfg_attr(not(feature = "http2"), allow(dead_code))]
    semantics: Semantics,
    grpc: Option<Grpc>,
    proxy: Arc<Proxy>,
    row: Option<Row>,
    spelling: Option<Spelling>,
    started: Instant,
    phase: Phase,
}

enum Phase {
    Checkout,
    Connect(Connecting),
    /// The connection has yet to let go of its last request.
    Ready(Box<Conn>),
    Wait(Wait),
    Done,
}

impl Exchange {
    fn checkout(&mut self) -> Phase {
        let (peer, limit) = (self.peer.clone(), self.proxy.connect_timeout);
        let http2 = self.proxy.http2;
        #[cfg(feature = "http2")]
        if let Some(http2) = http2.filter(|http2| !http2.is_alone()) {
            // Fresh is what others have made meanwhile, too: many may ask for it at once.
            let since = self.fresh.then_some(self.started);
            let open = (!self.fresh).then(|| peer.pool.streams().open(&peer.target, None));
            return match open.flatten() {
                Some(stream) => Phase::Ready(Box::new(stream)),
                None => Phase::Connect(Box::pin(connect_shared(peer, limit, http2, since))),
            };
        }
        if !self.fresh {
            if let Some(conn) = peer.pool.take(&peer.target, http2.is_some()) {
                return Phase::Ready(conn);
            }
        }
        Phase::Connect(Box::pin(connect(peer, limit, http2)))
    }

    fn send(&mut self, mut conn: Box<Conn>) -> Phase {
        let Some(mut request) = self.request.take() else {
            return Phase::Done;
        };
        let begun = clock::now();
        let reused = conn.requests > 0;
        conn.meter.begin(self.watch.is_some());
        if self.watch.is_some() {
            request.body_mut().attach(&conn.meter);
        }
        let (written, read) = (conn.meter.written(), conn.meter.read());
        if let Some(spelling) = &self.spelling {
            conn.meter.spell(spelling);
        }
        #[cfg(feature = "http2")]
        if self.proxy.http2.is_some() {
            to_http2(&mut request, self.peer.target.is_secure());
        }
        conn.send(request);
        if let Some(row) = &self.row {
            let connect_time = if reused {
                Duration::ZERO
            } else {
                begun - self.started
            };
            row.update(|attempt| attempt.connect_time = Some(connect_time));
        }
        Phase::Wait(Wait {
            conn,
            reused,
            begun,
            written,
            read,
        })
    }

    fn fail(&mut self, outcome: Outcome, source: impl Into<BoxError>) -> AttemptError {
        let error = AttemptError::new(outcome, source);
        let status = match outcome.condition {
            Condition::Aborted | Condition::Exhausted => None,
            Condition::Timeout => Some(504),
            _ => Some(502),
        };
        self.record(status, Some(&error));
        error
    }

    /// Writes down an attempt that brought no header; once.
    fn record(&mut self, status: Option<u16>, error: Option<&AttemptError>) {
        let Some(row) = self.row.take() else {
            return;
        };
        let counters = match &self.phase {
            Phase::Wait(wait) => wait.counters(),
            _ => (0, 0),
        };
        let response_time = self.started.elapsed();
        row.update(|attempt| {
            attempt.status = status;
            attempt.response_time = Some(response_time);
            (attempt.bytes_sent, attempt.bytes_received) = counters;
            attempt.failure = error.map(ToString::to_string);
        });
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Phase::Wait(wait) = &mut self.phase else {
            return Poll::Ready(Step::Again);
        };
        match wait.conn.poll_reply(cx) {
            Poll::Ready(Ok(response)) => Poll::Ready(Step::Header(response)),
            Poll::Ready(Err(mut error)) => {
                let unsent = error.take_message();
                let sent = unsent.is_none();
                if let (Some(request), true) = (unsent, wait.reused) {
                    // The connection was closed while it lay idle, which is as if it had not been
                    // there (KA-7). A new one that is closed before anything is sent is a failure.
                    self.request = Some(request);
                    self.phase = Phase::Checkout;
                    return Poll::Ready(Step::Again);
                }
                let error = error.into_error();
                let aborted = self.watch.as_ref().is_some_and(Watch::failed);
                let outcome = Outcome {
                    condition: match aborted {
                        true => Condition::Aborted,
                        false => condition(&error),
                    },
                    // Closed, or talked to, before a byte of the request was written.
                    sent,
                    reused: wait.reused,
                };
                #[cfg(feature = "http2")]
                let outcome = match stream_outcome(&error, self.semantics) {
                    Some(mut told) if !aborted && self.proxy.http2.is_some() => {
                        // Not looked at, and yet taken: the next peer would get what is left.
                        told.sent |= !self.watch.as_ref().is_none_or(Watch::take_back);
                        told
                    }
                    _ => outcome,
                };
                Poll::Ready(Step::Failed(outcome, error.into()))
            }
            Poll::Pending => {
                let elapsed = ready!(wait.poll_limits(self.watch.is_some(), &self.proxy, cx));
                let outcome = Outcome {
                    condition: Condition::Timeout,
                    sent: true,
                    reused: wait.reused,
                };
                Poll::Ready(Step::Failed(outcome, elapsed.into()))
            }
        }
    }

    /// RS-3 and the way of a complete header to the caller.
    fn header(
        &mut self,
        response: Response<Incoming>,
    ) -> Result<Response<ResponseBody>, AttemptError> {
        let Phase::Wait(wait) = std::mem::replace(&mut self.phase, Phase::Done) else {
            unreachable!("a header comes to a request that was sent");
        };
        if header_size(&response) > self.proxy.buffer_size {
            let outcome = Outcome {
                condition: Condition::InvalidHeader,
                sent: true,
                reused: wait.reused,
            };
            self.phase = Phase::Wait(wait);
            return Err(self.fail(outcome, "upstream sent too big header"));
        }
        if let Some(row) = &self.row {
            let (status, header_time) = (response.status().as_u16(), self.started.elapsed());
            row.update(|attempt| {
                attempt.status = Some(status);
                attempt.header_time = Some(header_time);
            });
        }
        let ride = Ride {
            owed: Owed::of(&response),
            reusable: keeps_alive(&response),
            upgraded: response.status() == http::StatusCode::SWITCHING_PROTOCOLS,
            watch: self.watch.take(),
            written: wait.written,
            read: wait.read,
            conn: wait.conn,
            peer: self.peer.clone(),
            proxy: Arc::clone(&self.proxy),
            row: self.row.take(),
            started: self.started,
            lease: None,
            lesson: None,
            deadline: None,
            grpc: self.grpc,
        };
        Ok(response.map(|body| ResponseBody::new(body, ride)))
    }
}

enum Step {
    Again,
    Header(Response<Incoming>),
    Failed(Outcome, BoxError),
}

impl Future for Exchange {
    type Output = Result<Response<ResponseBody>, AttemptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match &mut this.phase {
                Phase::Checkout => this.phase = this.checkout(),
                Phase::Connect(connecting) => match ready!(connecting.as_mut().poll(cx)) {
                    Ok(conn) => this.phase = this.send(Box::new(conn)),
                    Err(error) => {
                        let (condition, source) = match error {
                            ConnectError::Timeout => (Condition::Timeout, Elapsed::Connect.into()),
                            ConnectError::Failed(source) => (connect_condition(&source), source),
                        };
                        let outcome = Outcome {
                            condition,
                            sent: false,
                            reused: false,
                        };
                        return Poll::Ready(Err(this.fail(outcome, source)));
                    }
                },
                Phase::Ready(conn) => {
                    let ready = ready!(conn.poll_ready(cx));
                    let Phase::Ready(conn) = std::mem::replace(&mut this.phase, Phase::Checkout)
                    else {
                        unreachable!("just matched");
                    };
                    if ready.is_ok() {
                        this.phase = this.send(conn);
                    }
                }
                Phase::Wait(_) => match ready!(this.poll_wait(cx)) {
                    Step::Again => {}
                    Step::Header(response) => return Poll::Ready(this.header(response)),
                    Step::Failed(outcome, source) => {
                        return Poll::Ready(Err(this.fail(outcome, source)));
                    }
                },
                Phase::Done => panic!("polled after it was ready"),
            }
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.record(None, None);
    }
}
