//! What every layer is put through.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::Request;
use tokio::time::advance;
use tower::{Service, ServiceExt};

use crate::by_hand::ByHand;
use crate::probe::{Probe, Seen};

/// A service in front of a [`Probe`], and how much of it is taken.
pub(crate) struct Layered<S> {
    pub(crate) service: S,
    pub(crate) held: Box<dyn Fn() -> usize>,
}

/// A service as callers have it: none of its own futures is `Send` here, nor has to be.
pub(crate) trait Callee:
    Service<Request<String>, Error: Debug, Response: 'static, Future: 'static> + Clone + 'static
{
}

impl<S> Callee for S where
    S: Service<Request<String>, Error: Debug, Response: 'static, Future: 'static> + Clone + 'static
{
}

const ENOUGH: usize = 1000;

struct World<S> {
    layered: Layered<S>,
    seen: Arc<Seen>,
    places: usize,
}

impl<S: Callee> World<S> {
    fn new(make: &dyn Fn(Probe) -> Layered<S>, places: usize) -> Self {
        let (probe, seen) = Probe::new(places);
        let layered = make(probe);
        Self {
            layered,
            seen,
            places,
        }
    }

    fn clone(&self) -> S {
        self.layered.service.clone()
    }

    /// Nobody is in, anywhere.
    #[track_caller]
    fn is_empty(&self, when: &str) {
        let (free, held) = (self.seen.free(), (self.layered.held)());
        assert_eq!((free, held), (self.places, 0), "{when}");
    }

    /// One more caller is served, within reason.
    async fn serves(&self) {
        let call = ByHand::new(self.clone().oneshot(request()));
        drop(call.finish().await.unwrap());
    }
}

fn request() -> Request<String> {
    Request::new(String::new())
}

/// A call; not yet polled, if the service is ready at once.
fn begin<S: Callee>(mut service: S) -> LocalBoxFuture<'static, Result<S::Response, S::Error>> {
    match service.ready().now_or_never() {
        Some(Ok(_)) => Box::pin(service.call(request())),
        _ => Box::pin(service.oneshot(request())),
    }
}

pub(crate) async fn put_through<S: Callee>(make: impl Fn(Probe) -> Layered<S>) {
    what_was_made_ready_is_what_is_called(&make).await;
    who_is_ready_and_does_not_call_holds_nothing(&make).await;
    who_has_to_wait_gives_its_readiness_back(&make).await;
    waiting_is_not_polling(&make).await;
    dropped_at_any_await_everything_comes_back(&make).await;
}

/// The probe panics otherwise. Asked to excess, and again after a call.
async fn what_was_made_ready_is_what_is_called<S: Callee>(make: &dyn Fn(Probe) -> Layered<S>) {
    let world = World::new(make, 1);
    world.seen.answer();
    let mut service = world.clone();
    for _ in 0..3 {
        for _ in 0..100 {
            service.ready().await.unwrap();
        }
        let call = ByHand::new(service.call(request()));
        drop(call.finish().await.unwrap());
    }
    // A clone of one that is ready is not ready.
    service.ready().await.unwrap();
    let mut clone = service.clone();
    drop(service);
    clone.ready().await.unwrap();
    let call = ByHand::new(clone.call(request()));
    drop(call.finish().await.unwrap());
    drop(clone);
    world.is_empty("after calls");
}

/// Clones that are ready, and clones of these, neither keep others out nor are spent by waiting.
async fn who_is_ready_and_does_not_call_holds_nothing<S: Callee>(
    make: &dyn Fn(Probe) -> Layered<S>,
) {
    let world = World::new(make, ENOUGH);
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut clone = world.clone();
        clone.ready().await.unwrap();
        clone.ready().await.unwrap();
        idle.extend([clone.clone(), clone]);
    }
    assert_eq!((world.layered.held)(), 0);
    assert_eq!(world.seen.calls(), 0);
    world.seen.answer();
    world.serves().await;
    let one = ByHand::new(idle[1].call(request()));
    drop(one.finish().await.unwrap());
    drop(idle);
    world.is_empty("after clones that were ready");
}

/// What a service has reserved is for calls that reach it. One that waits in front of it, or is refused,
/// keeps no place from others, and nor does the service that was called.
async fn who_has_to_wait_gives_its_readiness_back<S: Callee>(make: &dyn Fn(Probe) -> Layered<S>) {
    let world = World::new(make, 2);
    let mut first = ByHand::new(world.clone().oneshot(request()));
    assert!(first.poll().is_pending());
    let mut service = world.clone();
    service.ready().await.unwrap();
    let mut second = ByHand::new(service.call(request()));
    for _ in 0..2 {
        let calls = world.seen.calls();
        assert_eq!(world.seen.free(), 2 - calls, "after {calls} calls");
        let _ = second.poll();
    }
}

async fn waiting_is_not_polling<S: Callee>(make: &dyn Fn(Probe) -> Layered<S>) {
    // For the service to get ready, in whatever poll that is.
    let world = World::new(make, 0);
    let mut call = ByHand::new(world.clone().oneshot(request()));
    for _ in 0..100 {
        assert!(call.poll().is_pending());
    }
    assert_eq!((call.wakes(), world.seen.calls()), (0, 0));
    world.seen.make_room();
    assert_eq!(call.wakes(), 1, "there is room");
    drop(call);

    // For its answer.
    let world = World::new(make, 1);
    let mut call = ByHand::new(world.clone().oneshot(request()));
    for _ in 0..100 {
        assert!(call.poll().is_pending());
    }
    advance(Duration::from_secs(1)).await;
    assert_eq!(call.wakes(), 0, "nothing has happened");
    assert!(world.seen.polls() <= 100, "{} polls", world.seen.polls());
    world.seen.answer();
    assert_eq!(call.wakes(), 1, "there is an answer");
    drop(call.finish().await.unwrap());
    world.is_empty("after an answer");
}

/// Two come, and are dropped after so many polls with a tenth of a second between them; the answers
/// begin before, within or after that. Between them that meets every await there is:
/// the layer's own waits, the service's readiness, its answer.
pub(crate) async fn dropped_at_any_await_everything_comes_back<S: Callee>(
    make: &dyn Fn(Probe) -> Layered<S>,
) {
    const STEP: Duration = Duration::from_millis(100);
    for places in [1, 2] {
        for answered in 0..8 {
            for dropped in 0..8 {
                let world = World::new(make, places);
                let mut first = Some(ByHand::new(begin(world.clone())));
                let mut second = Some(ByHand::new(begin(world.clone())));
                for step in 0..dropped {
                    if step == answered {
                        world.seen.answer();
                    }
                    for call in [&mut first, &mut second] {
                        call.take_if(|call| call.poll().is_ready());
                    }
                    advance(STEP).await;
                }
                drop(second);
                drop(first);
                let when = format!("{places} places, answers at {answered}, dropped at {dropped}");
                world.is_empty(&when);
                world.seen.answer();
                world.serves().await;
                world.is_empty(&when);
            }
        }
    }
}
