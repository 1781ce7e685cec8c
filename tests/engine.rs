//! The one loop over services that are not HTTP: what an ending says of a peer follows from its
//! condition alone.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tower::{Service, ServiceExt};
use tower_upstream::balance::{Ending, Lease, Member, PeerConfig, Peers, Roster, Setup, Verdict};
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::retry::{Budget, Terms};
use tower_upstream::upstream::{Endpoint, Engine, Plain, Rules};
use tower_upstream::{NextUpstream, Semantics};

/// A peer's service, as it is told to be.
#[derive(Clone, Copy)]
enum Peer {
    Answers(u8),
    Fails,
    /// It fails before it could be called.
    IsNeverReady,
}

type Reply = Result<u8, &'static str>;

impl Service<()> for Peer {
    type Response = u8;
    type Error = &'static str;
    type Future = Ready<Reply>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(match self {
            Self::IsNeverReady => Err("never ready"),
            _ => Ok(()),
        })
    }

    fn call(&mut self, (): ()) -> Ready<Reply> {
        ready(match *self {
            Self::Answers(answer) => Ok(answer),
            Self::Fails | Self::IsNeverReady => Err("failed"),
        })
    }
}

fn engine<R>(peers: [Peer; 2], rules: R, terms: Terms) -> Engine<Peer, R> {
    let endpoint = |service| {
        let name = "peer".into();
        (Member::new("peer"), Arc::new(Endpoint { name, service }))
    };
    let roster = Roster::new(Setup::default(), peers.map(endpoint).into());
    Engine::new(Arc::new(roster), rules, terms)
}

fn fails<R>(engine: &Engine<Peer, R>) -> Vec<u32> {
    engine.states().iter().map(|peer| peer.fails).collect()
}

#[tokio::test]
async fn an_error_classified_as_served_is_an_answer_and_not_counted() {
    let rules = Plain::new(|_: &Reply| Condition::Served);
    let engine = engine([Peer::Fails, Peer::Answers(2)], rules, Terms::default());
    let error = engine.clone().oneshot(()).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    assert_eq!(fails(&engine), [0, 0]);
}

#[tokio::test]
async fn an_answer_classified_as_a_failure_is_counted_though_unlisted() {
    let rules = Plain::new(|reply: &Reply| match reply {
        Ok(1) => Condition::Error,
        _ => Condition::Served,
    });
    let terms = Terms {
        next_upstream: NextUpstream::OFF,
        ..Terms::default()
    };
    let engine = engine([Peer::Answers(1), Peer::Answers(2)], rules, terms);
    assert_eq!(engine.clone().oneshot(()).await.unwrap(), 1);
    assert_eq!(fails(&engine), [1, 0], "NU-1");
}

/// Rules for requests that must not be sent twice.
struct Once;

impl Rules<()> for Once {
    type Attempt = ();
    type Reply = u8;
    type Error = &'static str;
    type Response = u8;

    fn attempt(&self, (): &mut (), _: &Arc<str>, _: u32, _: bool) {}

    fn outcome(&self, result: &Reply) -> Outcome {
        Outcome::new(match result {
            Ok(_) => Condition::Served,
            Err(_) => Condition::Error,
        })
    }

    fn idempotent(&self, (): &()) -> bool {
        false
    }

    fn finish(&self, (): (), reply: u8, lease: Option<(Lease, Ending)>) -> u8 {
        if let Some((lease, ending)) = lease {
            lease.settle(ending);
        }
        reply
    }
}

#[tokio::test]
async fn nothing_was_sent_to_a_peer_that_never_became_ready() {
    for (first, answer) in [(Peer::IsNeverReady, Some(2)), (Peer::Fails, None)] {
        let engine = engine([first, Peer::Answers(2)], Once, Terms::default());
        assert_eq!(engine.clone().oneshot(()).await.ok(), answer, "NU-11");
        assert_eq!(fails(&engine), [1, 0]);
    }
}

#[test]
fn a_second_release_of_a_pick_changes_nothing() {
    let mut peers = Peers::new(&[PeerConfig::default(); 2], &[]);
    let now = Duration::from_secs(1);
    let mut walk = peers.walk(0);
    let id = peers.pick(&mut walk, now).unwrap();
    peers.release(id, Verdict::Ok, now);
    let before = peers.states(now);
    peers.release(id, Verdict::Ok, now);
    assert_eq!(peers.states(now), before);
}

/// Rules that say the same of every attempt.
struct Says {
    outcome: Outcome,
    withdrawn: Arc<AtomicBool>,
}

impl Says {
    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            withdrawn: Arc::default(),
        }
    }
}

impl Rules<()> for Says {
    type Attempt = ();
    type Reply = u8;
    type Error = &'static str;
    type Response = u8;

    fn attempt(&self, (): &mut (), _: &Arc<str>, number: u32, _: bool) {
        assert!(number < 10, "it would never end");
    }

    fn outcome(&self, _: &Reply) -> Outcome {
        self.outcome
    }

    fn withdraw(&self, (): &()) -> bool {
        self.withdrawn.store(true, Relaxed);
        true
    }

    fn finish(&self, (): (), reply: u8, _: Option<(Lease, Ending)>) -> u8 {
        reply
    }
}

fn roster<const N: usize>(
    semantics: Semantics,
    peers: [Peer; N],
) -> Arc<Roster<Arc<Endpoint<Peer>>>> {
    let setup = Setup {
        semantics,
        ..Setup::default()
    };
    let endpoint = |service| {
        let name = "peer".into();
        (Member::new("peer"), Arc::new(Endpoint { name, service }))
    };
    Arc::new(Roster::new(setup, peers.map(endpoint).into()))
}

/// An HTTP/2 peer that refuses every stream is, over a new connection too, like one whose kept
/// connection had gone; asked again and again for the try given back, a lone one was never left alone.
#[tokio::test]
async fn a_lone_peer_that_refuses_everything_is_asked_once_more_and_not_for_ever() {
    let refused = Outcome {
        sent: false,
        reused: true,
        ..Outcome::new(Condition::Error)
    };
    let roster = roster(Semantics::Strict, [Peer::Fails]);
    let engine = Engine::new(roster, Says::new(refused), Terms::default());
    assert_eq!(engine.oneshot(()).await.unwrap_err().attempts(), 2);
}

/// The answer that is handed out for want of money may come over a connection that still sends the
/// request.
#[tokio::test]
async fn a_request_that_nobody_pays_for_is_not_taken_from_its_attempt() {
    let rules = Says::new(Outcome::new(Condition::Http503));
    let withdrawn = Arc::clone(&rules.withdrawn);
    let terms = Terms {
        next_upstream: NextUpstream::HTTP_503,
        ..Terms::default()
    };
    let roster = roster(Semantics::Nginx, [Peer::Answers(1), Peer::Answers(2)]);
    let engine = Engine::with_budget(roster, rules, terms, Some(Budget::new(0, 0)));
    assert_eq!(engine.oneshot(()).await.unwrap(), 1);
    assert!(!withdrawn.load(Relaxed));
}
