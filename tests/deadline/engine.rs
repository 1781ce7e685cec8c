//! What is left of a request's time, in the loop over peers of any kind.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tower::service_fn;
use tower_service::Service;
use tower_upstream::balance::{Member, Roster, Setup};
use tower_upstream::breaker::State;
use tower_upstream::classify::Condition;
use tower_upstream::retry::{Budget, Hedge, Terms};
use tower_upstream::timeout::Deadline;
use tower_upstream::upstream::{Endpoint, Engine, Plain};
use tower_upstream::{Error, ErrorKind, NextUpstream};

use super::stub::*;

type Reply = Result<(), &'static str>;

/// Gets ready after a time, and fails after another.
#[derive(Clone)]
struct Peer {
    ready: Duration,
    fails: Duration,
    calls: Arc<AtomicU32>,
}

impl Peer {
    fn failing_after(fails: Duration) -> Self {
        Self {
            ready: Duration::ZERO,
            fails,
            calls: Arc::default(),
        }
    }
}

/// One clone of a peer, as each attempt has its own.
struct Asked {
    peer: Peer,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Clone for Asked {
    fn clone(&self) -> Self {
        Self {
            peer: self.peer.clone(),
            waiting: None,
        }
    }
}

impl Service<()> for Asked {
    type Response = ();
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if self.peer.ready.is_zero() {
            return Poll::Ready(Ok(()));
        }
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(self.peer.ready)));
        waiting.as_mut().poll(cx).map(Ok)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.peer.calls.fetch_add(1, Ordering::SeqCst);
        let takes = self.peer.fails;
        Box::pin(async move {
            sleep(takes).await;
            Err("failed")
        })
    }
}

type Group = Engine<Asked, Plain<fn(&Reply) -> Condition, (), &'static str>>;

type Members = Vec<(Member, Arc<Endpoint<Asked>>)>;

fn members(peers: &[&Peer]) -> Members {
    let endpoint = |peer: &&Peer| {
        let service = Asked {
            peer: (*peer).clone(),
            waiting: None,
        };
        let name = "peer".into();
        (Member::new("peer"), Arc::new(Endpoint { name, service }))
    };
    peers.iter().map(endpoint).collect()
}

fn group(peers: &[&Peer], request_timeout: Option<Duration>) -> Group {
    engine(members(peers), request_timeout)
}

fn engine(members: Members, request_timeout: Option<Duration>) -> Group {
    let roster = Roster::new(Setup::default(), members);
    let terms = Terms {
        next_upstream: NextUpstream::ERROR,
        request_timeout,
        ..Terms::default()
    };
    let classify: fn(&Reply) -> Condition = |_| Condition::Error;
    Engine::new(Arc::new(roster), Plain::new(classify), terms)
}

fn calls(peer: &Peer) -> u32 {
    peer.calls.load(Ordering::SeqCst)
}

/// Sends a request that has so long; says how it ended, and when.
async fn send(group: &Group, time: Duration) -> (ErrorKind, u32, Duration) {
    let begun = Instant::now();
    let work = async { group.send(()).await };
    let error: Error = Deadline::after(time).scope(work).await.unwrap_err();
    (error.kind(), error.attempts(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_our_limit_and_what_is_left_ends_an_attempt() {
    for (own, left, ends) in [(None, 1, 1), (Some(2), 1, 1), (Some(1), 2, 1)] {
        let peer = Peer::failing_after(9 * SECOND);
        let group = group(&[&peer], own.map(|seconds: u32| seconds * SECOND));
        let ended = send(&group, left * SECOND).await;
        assert_eq!(ended, (ErrorKind::Deadline, 1, ends * SECOND));
        let state = &group.states()[0];
        assert_eq!((state.fails, state.in_flight), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_when_nothing_is_left() {
    let peer = Peer::failing_after(MS);
    let group = group(&[&peer], None);
    let ended = send(&group, Duration::ZERO).await;
    assert_eq!(ended, (ErrorKind::Deadline, 0, Duration::ZERO));
    assert_eq!(calls(&peer), 0);
    assert_eq!(group.states()[0].fails, 0);
}

#[tokio::test(start_paused = true)]
async fn the_next_peer_is_not_asked_when_the_first_took_all_the_time() {
    // Its failure comes in the very moment in which the time is over, and is its own.
    let (first, second) = (Peer::failing_after(SECOND), Peer::failing_after(MS));
    let group = group(&[&first, &second], None);
    let ended = send(&group, SECOND).await;
    assert_eq!(ended, (ErrorKind::Deadline, 1, SECOND));
    assert_eq!((calls(&first), calls(&second)), (1, 0));
    let fails: Vec<_> = group.states().iter().map(|peer| peer.fails).collect();
    assert_eq!(fails, [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_there_is_no_time_for_is_not_even_picked() {
    // A pick would be the probe of a peer that was left alone, and giving it up NGINX's success (MF-14).
    let (first, second) = (Peer::failing_after(MS), Peer::failing_after(MS));
    let mut members = members(&[&first, &second]);
    members[0].0.config.max_fails = 0;
    members[0].0.config.weight = 5;
    let group = engine(members, None);
    assert_eq!(send(&group, SECOND).await.1, 2);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(group.states()[1].state, State::HalfOpen);

    assert_eq!(send(&group, MS).await, (ErrorKind::Deadline, 1, MS));
    assert_eq!((calls(&first), calls(&second)), (2, 1));
    let second = &group.states()[1];
    assert_eq!((second.state, second.fails), (State::HalfOpen, 1));
}

#[tokio::test(start_paused = true)]
async fn no_hedge_is_paid_for_when_nothing_is_left() {
    let takes = Arc::new(AtomicU32::new(1));
    let slow = takes.clone();
    let service = service_fn(move |(): ()| {
        let takes = slow.load(Ordering::SeqCst) * MS;
        async move {
            sleep(takes).await;
            Ok::<_, &'static str>(())
        }
    });
    let endpoint = || {
        let (name, service) = ("peer".into(), service.clone());
        (Member::new("peer"), Arc::new(Endpoint { name, service }))
    };
    let roster = Roster::new(Setup::default(), vec![endpoint(), endpoint()]);
    let at_least = 500 * MS;
    let terms = Terms {
        hedge: Some(Hedge {
            at_least,
            ..Hedge::default()
        }),
        ..Terms::default()
    };
    let budget = Budget::new(0, 10);
    let rules = Plain::new(|_: &Reply| Condition::Served);
    let group = Engine::with_budget(Arc::new(roster), rules, terms, Some(budget.clone()));
    // Enough of the past to know what takes long.
    for _ in 0..100 {
        group.send(()).await.unwrap();
    }
    takes.store(5000, Ordering::SeqCst);
    let withdrawn = || budget.snapshot(Instant::now()).withdrawn;
    // The hedge would be due with the end.
    for (time, paid) in [(at_least, 0), (at_least + MS, 1)] {
        let call = async { group.send(()).await };
        let error = Deadline::after(time).scope(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert_eq!(
            withdrawn(),
            paid,
            "{:?} {:?}",
            budget.snapshot(Instant::now()),
            time
        );
    }
}

#[tokio::test(start_paused = true)]
async fn with_time_left_the_next_peer_has_the_rest_of_it() {
    let (first, second) = (
        Peer::failing_after(300 * MS),
        Peer::failing_after(9 * SECOND),
    );
    let group = group(&[&first, &second], None);
    let ended = send(&group, SECOND).await;
    assert_eq!(ended, (ErrorKind::Deadline, 2, SECOND));
    assert_eq!(group.states()[1].fails, 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_peer_costs_the_request_s_time() {
    for ready in [SECOND, 5 * SECOND] {
        let mut peer = Peer::failing_after(MS);
        peer.ready = ready;
        let group = group(&[&peer], None);
        let ended = send(&group, SECOND).await;
        assert_eq!(
            ended,
            (ErrorKind::Deadline, 0, SECOND),
            "ready after {ready:?}"
        );
        assert_eq!(calls(&peer), 0);
        let state = &group.states()[0];
        assert_eq!((state.fails, state.in_flight), (0, 0));
    }
}

#[test]
fn what_is_answered_at_once_needs_no_timer() {
    // There is no runtime here that could give one.
    let classify: fn(&Reply) -> Condition = |_| Condition::Served;
    let service = tower::service_fn(|(): ()| std::future::ready(Ok::<_, &'static str>(())));
    let name = "peer".into();
    let endpoint = (Member::new("peer"), Arc::new(Endpoint { name, service }));
    let terms = Terms {
        request_timeout: Some(SECOND),
        ..Terms::default()
    };
    let roster = Roster::new(Setup::default(), vec![endpoint]);
    let engine = Engine::new(Arc::new(roster), Plain::new(classify), terms);
    let mut call = Box::pin(engine.send(()));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(matches!(call.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));
}
