//! Members from streams of changes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::poll_immediate;
use futures_util::{Stream, stream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tower::Service;
use tower::discover::Change;
use tower_upstream::balance::{Member, PeerConfig, Roster, Setup};
use tower_upstream::classify::Condition;
use tower_upstream::discover::{EndpointFollower, Follower, Trouble};
use tower_upstream::retry::Terms;
use tower_upstream::upstream::{Engine, Plain};
use tower_upstream::{ErrorKind, Semantics, Server, Upstream};

type Told<T> = Result<Change<&'static str, T>, &'static str>;

/// A stream that says what a test says, until the sender is dropped.
fn told<T>() -> (UnboundedSender<Told<T>>, impl Stream<Item = Told<T>>) {
    let (tell, told) = unbounded_channel();
    let hear = |mut told: tokio::sync::mpsc::UnboundedReceiver<_>| async move {
        told.recv().await.map(|change| (change, told))
    };
    (tell, stream::unfold(told, hear))
}

/// Answers with its name, once its gate is open.
#[derive(Clone)]
struct Replica {
    name: Arc<str>,
    gate: watch::Receiver<bool>,
    well: bool,
}

fn replica(name: &str) -> (Replica, watch::Sender<bool>) {
    let (open, gate) = watch::channel(true);
    let name = name.into();
    (
        Replica {
            name,
            gate,
            well: true,
        },
        open,
    )
}

impl Service<()> for Replica {
    type Response = Arc<str>;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Arc<str>, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let mut replica = self.clone();
        Box::pin(async move {
            replica
                .gate
                .wait_for(|open| *open)
                .await
                .map_err(|_| "closed")?;
            match replica.well {
                true => Ok(replica.name),
                false => Err("unwell"),
            }
        })
    }
}

type Classify = fn(&Result<Arc<str>, &'static str>) -> Condition;
type Replicas = Engine<Replica, Plain<Classify, Arc<str>, &'static str>>;

fn engine() -> Replicas {
    let setup = Setup {
        semantics: Semantics::Strict,
        ..Setup::default()
    };
    let classify: Classify = |result| match result {
        Ok(_) => Condition::Served,
        Err(_) => Condition::Error,
    };
    let roster = Arc::new(Roster::new(setup, vec![]));
    Engine::new(roster, Plain::new(classify), Terms::default())
}

/// Names that begin with `b` are backups.
fn member(name: &&'static str) -> Member {
    Member {
        backup: name.starts_with('b'),
        config: PeerConfig {
            max_fails: 5,
            ..PeerConfig::default()
        },
        ..Member::new(*name)
    }
}

fn names(engine: &Replicas) -> Vec<String> {
    let states = engine.states().into_iter();
    states.map(|peer| peer.name.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn services_come_and_go_as_the_stream_says() {
    let engine = engine();
    let (tell, changes) = told();
    let mut follower = EndpointFollower::new(engine.roster(), changes, member);
    let nobody = engine.send(()).await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NoLiveUpstreams);

    for name in ["a1", "b1", "a2"] {
        tell.send(Ok(Change::Insert(name, replica(name).0)))
            .unwrap();
    }
    assert!(follower.next().await.unwrap().is_empty());
    assert_eq!(
        names(&engine),
        ["a1", "a2", "b1"],
        "all at once, backups last"
    );
    let said = [
        engine.send(()).await.unwrap(),
        engine.send(()).await.unwrap(),
    ];
    assert_eq!(said, ["a1".into(), "a2".into()]);

    tell.send(Ok(Change::Remove("a1"))).unwrap();
    tell.send(Ok(Change::Remove("a2"))).unwrap();
    tell.send(Ok(Change::Remove("nobody"))).unwrap();
    assert!(follower.next().await.unwrap().is_empty());
    assert_eq!(&*engine.send(()).await.unwrap(), "b1");
}

#[tokio::test(start_paused = true)]
async fn another_service_for_a_known_key_takes_over_with_its_past() {
    let engine = engine();
    let (tell, changes) = told();
    let mut follower = EndpointFollower::new(engine.roster(), changes, member);
    let unwell = Replica {
        well: false,
        ..replica("a1").0
    };
    tell.send(Ok(Change::Insert("a1", unwell))).unwrap();
    tell.send(Ok(Change::Insert("a2", replica("a2").0)))
        .unwrap();
    follower.next().await.unwrap();
    assert_eq!(&*engine.send(()).await.unwrap(), "a2");
    assert_eq!(engine.states()[0].fails, 1);

    tell.send(Ok(Change::Insert("a1", replica("second a1").0)))
        .unwrap();
    follower.next().await.unwrap();
    assert_eq!(
        (names(&engine), engine.states()[0].fails),
        (vec!["a1".into(), "a2".into()], 1)
    );
    let mut said = vec![
        engine.send(()).await.unwrap(),
        engine.send(()).await.unwrap(),
    ];
    said.sort();
    assert_eq!(said, ["a2".into(), "second a1".into()]);
}

/// The list stays when the stream fails or ends.
#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_is_told_of_and_changes_nothing() {
    let engine = engine();
    let (tell, changes) = told();
    let mut follower = EndpointFollower::new(engine.roster(), changes, member);
    tell.send(Ok(Change::Insert("a1", replica("a1").0)))
        .unwrap();
    tell.send(Err("cut off")).unwrap();
    tell.send(Ok(Change::Insert("a2", replica("a2").0)))
        .unwrap();
    assert_eq!(follower.next().await.unwrap(), ["cut off"]);
    assert_eq!(names(&engine), ["a1"]);
    assert!(follower.next().await.unwrap().is_empty());
    assert_eq!(names(&engine), ["a1", "a2"]);
    drop(tell);
    assert!(follower.next().await.is_none());
    drop(follower);
    assert_eq!(names(&engine), ["a1", "a2"]);
}

/// Waiting for the stream ends with the engine: with its last clone, or with its last request.
#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_is_left_to_follow_for() {
    for in_flight in [false, true] {
        let engine = engine();
        let (tell, changes) = told();
        let mut follower = EndpointFollower::new(engine.roster(), changes, member);
        let (replica, open) = replica("a1");
        open.send_replace(false);
        tell.send(Ok(Change::Insert("a1", replica))).unwrap();
        follower.next().await.unwrap();
        let another = engine.clone();
        let request = in_flight.then(|| tokio::spawn(engine.send(())));
        tokio::task::yield_now().await;

        let following = tokio::spawn(async move { while follower.next().await.is_some() {} });
        drop(engine);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!following.is_finished(), "there is a clone");
        drop(another);
        if let Some(request) = request {
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(!following.is_finished(), "there is a request");
            open.send_replace(true);
            assert_eq!(&*request.await.unwrap().unwrap(), "a1");
        }
        let ended = tokio::time::timeout(Duration::from_secs(1), following).await;
        ended.expect("it is woken").unwrap();
        assert!(tell.is_closed(), "the stream is dropped with it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_nothing() {
    let engine = engine();
    let (tell, changes) = told();
    let mut follower = EndpointFollower::new(engine.roster(), changes, member);
    for name in ["a1", "a2", "a3"] {
        assert!(
            poll_immediate(pin!(follower.next())).await.is_none(),
            "nothing yet"
        );
        tell.send(Ok(Change::Insert(name, replica(name).0)))
            .unwrap();
        assert!(poll_immediate(pin!(follower.next())).await.is_some());
    }
    assert_eq!(names(&engine), ["a1", "a2", "a3"]);
}

/// A request in flight finishes where it is, and then nothing holds on to the service.
#[tokio::test(start_paused = true)]
async fn a_removed_service_is_let_go_with_its_last_request() {
    let engine = engine();
    let (tell, changes) = told();
    let mut follower = EndpointFollower::new(engine.roster(), changes, member);
    let (slow, open) = replica("a1");
    open.send_replace(false);
    let held: Weak<str> = Arc::downgrade(&slow.name);
    tell.send(Ok(Change::Insert("a1", slow))).unwrap();
    follower.next().await.unwrap();
    let request = tokio::spawn(engine.send(()));
    tokio::task::yield_now().await;
    assert_eq!(engine.states()[0].in_flight, 1);

    tell.send(Ok(Change::Remove("a1"))).unwrap();
    tell.send(Ok(Change::Insert("a2", replica("a2").0)))
        .unwrap();
    follower.next().await.unwrap();
    assert_eq!(names(&engine), ["a2"]);
    assert!(held.upgrade().is_some(), "it is in use");
    open.send_replace(true);
    assert_eq!(&*request.await.unwrap().unwrap(), "a1");
    assert_eq!(held.strong_count(), 0);
    assert_eq!(engine.states()[0].in_flight, 0);
}

fn addresses(upstream: &Upstream) -> Vec<String> {
    let peers = upstream.group().snapshot().into_iter();
    peers.map(|peer| peer.address).collect()
}

#[tokio::test(start_paused = true)]
async fn servers_come_behind_those_of_the_configuration() {
    let upstream = Upstream::builder()
        .server(Server::new("127.0.0.1:1").backup())
        .dynamic()
        .build()
        .unwrap();
    let (tell, changes) = told();
    let mut follower = Follower::new(upstream.group(), changes);
    tell.send(Ok(Change::Insert(
        "x",
        Server::new("127.0.0.1:2").weight(3),
    )))
    .unwrap();
    tell.send(Ok(Change::Insert("y", Server::new("orders.internal:80"))))
        .unwrap();
    tell.send(Ok(Change::Insert(
        "x",
        Server::new("127.0.0.1:3").weight(0),
    )))
    .unwrap();
    tell.send(Ok(Change::Insert("z", Server::new("127.0.0.1:4"))))
        .unwrap();
    let troubles = follower.next().await.unwrap();
    let troubles: Vec<String> = troubles.iter().map(ToString::to_string).collect();
    assert_eq!(
        troubles,
        [
            "\"orders.internal:80\" is a name; an address is needed here",
            "invalid parameter \"weight=0\" of server \"127.0.0.1:3\": at least 1",
        ]
    );
    assert_eq!(
        addresses(&upstream),
        ["127.0.0.1:2", "127.0.0.1:4", "127.0.0.1:1"]
    );
    tell.send(Ok(Change::Remove("x"))).unwrap();
    tell.send(Err("cut off")).unwrap();
    let troubles = follower.next().await.unwrap();
    assert!(matches!(troubles[..], [Trouble::Stream("cut off")]));
    assert_eq!(addresses(&upstream), ["127.0.0.1:4", "127.0.0.1:1"]);

    let following = tokio::spawn(async move { while follower.next().await.is_some() {} });
    tokio::task::yield_now().await;
    drop(upstream);
    let ended = tokio::time::timeout(Duration::from_secs(1), following).await;
    ended.expect("it is woken").unwrap();
}

#[tokio::test]
async fn a_group_may_begin_without_servers() {
    let none = Upstream::builder().build().unwrap_err();
    assert_eq!(
        none.problems(),
        ["no servers are inside upstream \"upstream\""]
    );
    let upstream = Upstream::builder().dynamic().build().unwrap();
    let request = http::Request::new(Body::empty());
    let error = upstream.send(request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::NoLiveUpstreams, 502)
    );
    let changes = [Change::Insert("x", Server::new("127.0.0.1:2"))];
    let changes = stream::iter(changes.map(Ok::<_, Infallible>));
    let mut follower = Follower::new(upstream.group(), changes);
    while follower.next().await.is_some() {}
    assert_eq!(addresses(&upstream), ["127.0.0.1:2"]);
}
