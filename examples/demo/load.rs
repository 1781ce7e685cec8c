use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::Result;

/// How long a client waits before it calls a request failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// What clients saw in some span of time.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) sent: usize,
    /// Requests that ended without a 200 and a whole body, by reason.
    pub(crate) failed: BTreeMap<String, usize>,
    /// Of those that succeeded.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) served: BTreeMap<String, usize>,
}

impl Seen {
    pub(crate) fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    /// The latency that this share of requests stayed within.
    pub(crate) fn latency(&mut self, share: f64) -> Option<Duration> {
        self.latencies.sort_unstable();
        let last = self.latencies.len().checked_sub(1)?;
        Some(self.latencies[(last as f64 * share).ceil() as usize])
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.latencies.extend(other.latencies);
        for (mine, theirs) in [
            (&mut self.failed, other.failed),
            (&mut self.served, other.served),
        ] {
            for (key, count) in theirs {
                *mine.entry(key).or_default() += count;
            }
        }
    }
}

/// Clients that each make one request on a connection of their own: no pool, no retry, nothing that
/// could hide a failure.
#[derive(Clone)]
pub(crate) struct Load {
    to: Arc<[SocketAddr]>,
    seen: Arc<Mutex<Seen>>,
}

impl Load {
    /// Requests go to these addresses in turn.
    pub(crate) fn new(to: impl Into<Arc<[SocketAddr]>>) -> Self {
        Self {
            to: to.into(),
            seen: Arc::default(),
        }
    }

    /// Sends a request every `period`, however long the ones before take, and waits for all to end.
    pub(crate) async fn run(self, period: Duration, requests: usize) {
        let mut clients = JoinSet::new();
        let mut ticks = interval(period);
        for request in 0..requests {
            ticks.tick().await;
            self.lock().sent += 1;
            let (load, to) = (self.clone(), self.to[request % self.to.len()]);
            clients.spawn(async move { load.request(to).await });
        }
        clients.join_all().await;
    }

    async fn request(self, to: SocketAddr) {
        let begun = Instant::now();
        let ended = timeout(PATIENCE, get(to)).await;
        let mut seen = self.lock();
        match ended.unwrap_or_else(|_| Err("no answer".into())) {
            Ok((200, by)) => {
                seen.latencies.push(begun.elapsed());
                *seen.served.entry(by).or_default() += 1;
            }
            Ok((status, _)) => *seen.failed.entry(format!("status {status}")).or_default() += 1,
            Err(error) => *seen.failed.entry(error.to_string()).or_default() += 1,
        }
    }

    /// What was seen since the last call.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, to the end of its body: the status and who served it.
async fn get(to: SocketAddr) -> Result<(u16, String)> {
    let stream = TcpStream::connect(to)
        .await
        .map_err(|_| "connection refused")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get("/orders").header("Host", "api.example.no");
    let reply = sender.send_request(request.body(Body::empty())?).await?;
    let status = reply.status().as_u16();
    let by = reply
        .headers()
        .get("X-Served-By")
        .and_then(|by| by.to_str().ok());
    let by = by.unwrap_or("?").to_owned();
    reply.into_body().collect().await?;
    driver.abort();
    Ok((status, by))
}
