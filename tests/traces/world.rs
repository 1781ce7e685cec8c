//! A group of scripted peers on a clock that is moved by hand.
//!
//! The engine is the real one; a peer is a service that refuses, closes, hangs or answers as its
//! script says. Results are written as in the reference: `200 [A, B] (502, 200)`.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tower::Service;
use tower_upstream::balance::{EjectionCap, Ending, Lease, Member, PeerConfig, Roster, Setup};
use tower_upstream::breaker::SlowFault;
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::retry::Terms;
use tower_upstream::upstream::{Endpoint, Engine, Rules};
use tower_upstream::{Error, NextUpstream, Semantics};

/// What a peer does with one attempt.
#[derive(Clone, Copy, Debug)]
enum Act {
    Refuse,
    Close,
    Stale,
    Hang,
    NoConnect,
    BadHeader,
    Status(u16),
    Slow(u64),
}

impl Act {
    fn parse(word: &str) -> Self {
        match word {
            "refuse" => Self::Refuse,
            "close" => Self::Close,
            "stale" => Self::Stale,
            "hang" => Self::Hang,
            "noconnect" => Self::NoConnect,
            "badheader" => Self::BadHeader,
            "ok" => Self::Status(200),
            word => match word.strip_prefix("slow") {
                Some(ms) => Self::Slow(ms.parse().expect("slow<ms>")),
                None => Self::Status(word.parse().expect("an act or a status")),
            },
        }
    }
}

/// Peer letter to what it does next; the last act is repeated.
type Script = Arc<Mutex<HashMap<char, Vec<Act>>>>;

#[derive(Clone)]
struct Peer {
    letter: char,
    script: Script,
    read_timeout: Duration,
}

#[derive(Clone)]
struct Req {
    method: &'static str,
    log: Arc<Mutex<Vec<(char, u16)>>>,
}

#[derive(Debug)]
struct Failed(Outcome);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0.condition)
    }
}

impl std::error::Error for Failed {}

impl Service<Req> for Peer {
    type Response = u16;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<u16, Failed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let act = {
            let mut script = self.script.lock().unwrap();
            match script.get_mut(&self.letter) {
                None => Act::Status(200),
                Some(acts) if acts.len() > 1 => acts.remove(0),
                Some(acts) => acts[0],
            }
        };
        let (letter, limit) = (self.letter, self.read_timeout);
        Box::pin(async move {
            let failed = |condition, sent, reused| {
                Err(Failed(Outcome {
                    condition,
                    sent,
                    reused,
                }))
            };
            let result = match act {
                Act::Refuse => failed(Condition::Error, false, false),
                Act::Close => failed(Condition::Error, true, false),
                Act::Stale => failed(Condition::Error, true, true),
                Act::BadHeader => failed(Condition::InvalidHeader, true, false),
                Act::NoConnect => {
                    sleep(limit).await;
                    failed(Condition::Timeout, false, false)
                }
                Act::Hang => {
                    sleep(limit).await;
                    failed(Condition::Timeout, true, false)
                }
                Act::Slow(ms) if Duration::from_millis(ms) >= limit => {
                    sleep(limit).await;
                    failed(Condition::Timeout, true, false)
                }
                Act::Slow(ms) => {
                    sleep(Duration::from_millis(ms)).await;
                    Ok(200)
                }
                Act::Status(status) => Ok(status),
            };
            let status = match &result {
                Ok(status) => *status,
                Err(Failed(outcome)) => mapped(outcome.condition),
            };
            request.log.lock().unwrap().push((letter, status));
            result
        })
    }
}

fn mapped(condition: Condition) -> u16 {
    if condition == Condition::Timeout {
        504
    } else {
        502
    }
}

struct Judge;

impl Rules<Req> for Judge {
    type Attempt = Req;
    type Reply = u16;
    type Error = Failed;
    type Response = u16;

    fn attempt(&self, request: &mut Req, _: &Arc<str>, _: u32, _: bool) -> Req {
        request.clone()
    }

    fn outcome(&self, result: &Result<u16, Failed>) -> Outcome {
        match result {
            Ok(status) => Outcome::new(Condition::of_status(*status)),
            Err(Failed(outcome)) => *outcome,
        }
    }

    fn idempotent(&self, request: &Req) -> bool {
        request.method != "POST"
    }

    fn none_left(&self, request: &Req) {
        request.log.lock().unwrap().push(('u', 502));
    }

    fn finish(&self, _: Req, reply: u16, lease: Option<(Lease, Ending)>) -> u16 {
        if let Some((lease, ending)) = lease {
            lease.settle(ending);
        }
        reply
    }
}

type Way = (Member, Arc<Endpoint<Peer>>);

pub(crate) struct World {
    engine: Engine<Peer, Judge>,
    script: Script,
    read_timeout: Duration,
    start: Instant,
}

impl World {
    /// `servers` as in an upstream block (`A max_fails=2; B backup`), `proxy` a list of next_upstream
    /// keywords and of `tries=`, `timeout=` and `read=` (milliseconds), `fraction` the milliseconds
    /// of the second the clock starts at.
    pub(crate) fn new(servers: &str, proxy: &str, semantics: Semantics, fraction: u64) -> Self {
        let mut terms = Terms::default();
        let mut read_timeout = Duration::from_secs(60);
        let mut listed: Option<NextUpstream> = None;
        for word in proxy.split_whitespace() {
            match word.split_once('=') {
                Some(("tries", n)) => terms.tries = n.parse().unwrap(),
                Some(("timeout", ms)) => terms.timeout = millis(ms),
                Some(("read", ms)) => read_timeout = millis(ms),
                _ => {
                    let keyword = NextUpstream::from_keyword(word).expect(word);
                    listed = Some(listed.map_or(keyword, |listed| listed | keyword));
                }
            }
        }
        terms.next_upstream = listed.unwrap_or_default();
        let script = Script::default();
        let members = members(servers, &script, read_timeout);
        let epoch = Duration::from_millis(1_000_000_000 + fraction);
        // As a group has them by default.
        let strict = semantics == Semantics::Strict;
        let setup = Setup {
            semantics,
            cap: strict.then(EjectionCap::default),
            slow_fault: strict.then(SlowFault::default),
            ..Setup::default()
        };
        let roster = Roster::new(setup, members).epoch(epoch);
        Self {
            engine: Engine::new(Arc::new(roster), Judge, terms),
            script,
            read_timeout,
            start: Instant::now(),
        }
    }

    /// Another membership, from now on.
    pub(crate) fn set(&self, servers: &str) {
        let members = members(servers, &self.script, self.read_timeout);
        self.engine.roster().set(members);
    }

    /// `A=close,ok` : what a peer does from now on.
    pub(crate) fn script(&self, line: &str) {
        for change in line.split_whitespace() {
            let (letter, acts) = change.split_once('=').expect("A=act,act");
            let acts = acts.split(',').map(Act::parse).collect();
            let letter = letter.chars().next().expect("a letter");
            self.script.lock().unwrap().insert(letter, acts);
        }
    }

    pub(crate) async fn at(&self, seconds: &str) {
        let offset = Duration::from_secs_f64(seconds.parse().expect("seconds"));
        sleep_until(self.start + offset).await;
    }

    /// Sends a request and tells what became of it.
    pub(crate) async fn request(&self, method: &'static str) -> String {
        let request = Req {
            method,
            log: Arc::default(),
        };
        let log = Arc::clone(&request.log);
        let status = match self.engine.send(request).await {
            Ok(status) => status,
            Err(error) => status_of(&error),
        };
        let log = log.lock().unwrap();
        let letters: Vec<String> = log.iter().map(|(letter, _)| letter.to_string()).collect();
        let statuses: Vec<String> = log.iter().map(|(_, status)| status.to_string()).collect();
        format!(
            "{status} [{}] ({})",
            letters.join(", "),
            statuses.join(", ")
        )
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.engine.states().iter().map(|peer| peer.in_flight).sum()
    }
}

fn members(servers: &str, script: &Script, read_timeout: Duration) -> Vec<Way> {
    let way = |line| {
        let (letter, backup, config) = server(line);
        let member = Member {
            backup,
            config,
            ..Member::new(letter.to_string())
        };
        let service = Peer {
            letter,
            script: Arc::clone(script),
            read_timeout,
        };
        let name = Arc::clone(&member.name);
        (member, Arc::new(Endpoint { name, service }))
    };
    servers.split(';').map(way).collect()
}

fn status_of(error: &Error) -> u16 {
    error.status().as_u16()
}

fn millis(text: &str) -> Duration {
    Duration::from_millis(text.parse().expect("milliseconds"))
}

fn server(line: &str) -> (char, bool, PeerConfig) {
    let mut words = line.split_whitespace();
    let letter = words
        .next()
        .and_then(|word| word.chars().next())
        .expect("a peer");
    let (mut backup, mut config) = (false, PeerConfig::default());
    for word in words {
        let number = || {
            word.split_once('=')
                .expect("name=value")
                .1
                .parse()
                .expect("a number")
        };
        match word.split('=').next() {
            Some("weight") => config.weight = number(),
            Some("max_fails") => config.max_fails = number(),
            Some("fail_timeout") => config.fail_timeout = u64::from(number()),
            Some("max_conns") => config.max_conns = number(),
            Some("backup") => backup = true,
            Some("down") => config.down = true,
            other => panic!("{other:?} is not known here"),
        }
    }
    (letter, backup, config)
}
