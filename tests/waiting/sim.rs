//! Peers that take as long as they are told, and callers that come at a steady rate.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tower::Service;
use tower_upstream::balance::{Ending, Lease, Member, PeerConfig, PeerState, Roster, Setup};
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::retry::{Budget, Terms};
use tower_upstream::upstream::{Endpoint, Engine, Rules};
use tower_upstream::{BoxError, Error};

/// What a peer does with an attempt that comes now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Answers after so many milliseconds.
    Takes(u64),
    /// Never answers; the caller's read timeout ends it.
    Hangs,
    /// Answers at once with a status.
    Says(u16),
    /// Refuses at once.
    Refuses,
    /// Cannot be asked, for we may open no more files.
    Lacks,
}

/// The caller's patience with one attempt.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Peer {
    act: Arc<dyn Fn(Duration) -> Act + Send + Sync>,
    start: Instant,
    asked: Arc<Mutex<Vec<Duration>>>,
}

impl Service<Req> for Peer {
    type Response = u16;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<u16, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Req) -> Self::Future {
        let at = self.start.elapsed();
        self.asked.lock().unwrap().push(at);
        let act = (self.act)(at);
        Box::pin(async move {
            match act {
                Act::Takes(ms) => sleep(Duration::from_millis(ms)).await,
                Act::Hangs => {
                    sleep(READ_TIMEOUT).await;
                    return Err("timed out".into());
                }
                Act::Says(status) => return Ok(status),
                Act::Refuses => return Err("refused".into()),
                Act::Lacks => return Err("no more files".into()),
            }
            Ok(200)
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Req {
    pub(crate) idempotent: bool,
}

pub(crate) struct Judge;

impl Rules<Req> for Judge {
    type Attempt = Req;
    type Reply = u16;
    type Error = BoxError;
    type Response = (u16, Option<(Lease, Ending)>);

    fn attempt(&self, request: &mut Req, _: &Arc<str>, _: u32, _: bool) -> Req {
        *request
    }

    fn outcome(&self, result: &Result<u16, BoxError>) -> Outcome {
        match result {
            Ok(status) => Outcome::new(Condition::of_status(*status)),
            Err(error) if error.to_string() == "timed out" => Outcome::new(Condition::Timeout),
            Err(error) if error.to_string() == "no more files" => {
                Outcome::new(Condition::Exhausted)
            }
            Err(_) => Outcome {
                sent: false,
                ..Outcome::new(Condition::Error)
            },
        }
    }

    fn idempotent(&self, request: &Req) -> bool {
        request.idempotent
    }

    /// The lease rides with the answer, as it does over HTTP.
    fn finish(&self, _: Req, reply: u16, lease: Option<(Lease, Ending)>) -> Self::Response {
        (reply, lease)
    }
}

pub(crate) struct Sim {
    pub(crate) engine: Engine<Peer, Judge>,
    asked: Vec<Arc<Mutex<Vec<Duration>>>>,
    start: Instant,
}

/// What callers saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answered: usize,
    pub(crate) failed: usize,
    /// Took longer than a second.
    pub(crate) stalled: usize,
    pub(crate) attempts: usize,
    /// Most of each, longest first.
    pub(crate) took: Vec<Duration>,
}

impl Sim {
    pub(crate) fn new(setup: Setup, terms: Terms, budget: Option<Budget>) -> Self {
        let start = Instant::now();
        let roster = Roster::new(setup, Vec::new());
        Self {
            engine: Engine::with_budget(Arc::new(roster), Judge, terms, budget),
            asked: Vec::new(),
            start,
        }
    }

    /// The peers, each as it acts over time.
    pub(crate) fn peers<F>(self, peers: Vec<(PeerConfig, F)>) -> Self
    where
        F: Fn(Duration) -> Act + Send + Sync + 'static,
    {
        let primaries = peers.len();
        self.of(peers, primaries)
    }

    /// The same, the last of them a backup.
    pub(crate) fn with_backup<F>(self, peers: Vec<(PeerConfig, F)>) -> Self
    where
        F: Fn(Duration) -> Act + Send + Sync + 'static,
    {
        let primaries = peers.len() - 1;
        self.of(peers, primaries)
    }

    fn of<F>(mut self, peers: Vec<(PeerConfig, F)>, primaries: usize) -> Self
    where
        F: Fn(Duration) -> Act + Send + Sync + 'static,
    {
        let mut members = Vec::new();
        for (number, (config, act)) in peers.into_iter().enumerate() {
            let asked = Arc::new(Mutex::new(Vec::new()));
            let service = Peer {
                act: Arc::new(act),
                start: self.start,
                asked: Arc::clone(&asked),
            };
            self.asked.push(asked);
            let member = Member {
                config,
                backup: number >= primaries,
                ..Member::new(format!("peer {number}"))
            };
            let name = Arc::clone(&member.name);
            members.push((member, Arc::new(Endpoint { name, service })));
        }
        self.engine.roster().set(members);
        self
    }

    /// When a peer was asked.
    pub(crate) fn asked(&self, peer: usize) -> Vec<Duration> {
        self.asked[peer].lock().unwrap().clone()
    }

    pub(crate) fn states(&self) -> Vec<PeerState> {
        self.engine.states()
    }

    pub(crate) async fn request(&self) -> Result<u16, Error> {
        let (status, lease) = self.engine.send(Req { idempotent: true }).await?;
        if let Some((lease, ending)) = lease {
            lease.settle(ending);
        }
        Ok(status)
    }

    /// So many requests a second, whatever comes of them, from now on for a while; and all answers.
    pub(crate) async fn load(&self, per_second: u32, lasting: Duration, idempotent: bool) -> Seen {
        let mut running = JoinSet::new();
        let before: usize = (0..self.asked.len())
            .map(|peer| self.asked(peer).len())
            .sum();
        let begin = Instant::now();
        let gap = Duration::from_secs(1) / per_second;
        for number in 0..u32::MAX {
            let at = gap * number;
            if at >= lasting {
                break;
            }
            sleep_until(begin + at).await;
            let engine = self.engine.clone();
            running.spawn(async move {
                let begun = Instant::now();
                let result = engine.send(Req { idempotent }).await;
                if let Ok((_, Some((lease, ending)))) = result {
                    lease.settle(ending);
                    return (true, begun.elapsed());
                }
                (result.is_ok(), begun.elapsed())
            });
        }
        sleep_until(begin + lasting).await;
        let mut seen = Seen::default();
        while let Some(done) = running.join_next().await {
            let (answered, took) = done.unwrap();
            seen.answered += usize::from(answered);
            seen.failed += usize::from(!answered);
            seen.stalled += usize::from(took > Duration::from_secs(1));
            seen.took.push(took);
        }
        seen.took.sort_unstable_by(|a, b| b.cmp(a));
        let after: usize = (0..self.asked.len())
            .map(|peer| self.asked(peer).len())
            .sum();
        seen.attempts = after - before;
        seen
    }
}
