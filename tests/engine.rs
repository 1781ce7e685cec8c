//! The one loop over services that are not HTTP: what an ending says of a peer follows from its
//! condition alone.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::{Service, ServiceExt};
use tower_upstream::NextUpstream;
use tower_upstream::balance::{Ending, Lease, Member, PeerConfig, Peers, Roster, Setup, Verdict};
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::retry::Terms;
use tower_upstream::upstream::{Endpoint, Engine, Plain, Rules};

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
