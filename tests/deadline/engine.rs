//! What is left of a request's time, in the loop over peers of any kind.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;
use tower_upstream::balance::{Member, Roster, Setup};
use tower_upstream::classify::Condition;
use tower_upstream::retry::Terms;
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

fn group(peers: &[&Peer], request_timeout: Option<Duration>) -> Group {
    let endpoint = |peer: &&Peer| {
        let service = Asked {
            peer: (*peer).clone(),
            waiting: None,
        };
        let name = "peer".into();
        (Member::new("peer"), Arc::new(Endpoint { name, service }))
    };
    let members = peers.iter().map(endpoint).collect();
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
