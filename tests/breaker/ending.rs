//! However a call ends, its place comes back.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::timeout;
use tower::{Layer, Service, ServiceExt};
use tower_upstream::breaker::{BreakerLayer, Error, State};

use crate::seconds;
use crate::world::{Do, World};

/// Ready at the second time of asking, answers at the fourth.
#[derive(Clone, Default)]
struct Slow {
    asked: bool,
}

struct Answering(u32);

impl Service<()> for Slow {
    type Response = ();
    type Error = &'static str;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if !std::mem::replace(&mut self.asked, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Answering {
        assert!(self.asked, "called before it was ready");
        self.asked = false;
        Answering(3)
    }
}

impl Future for Answering {
    type Output = Result<(), &'static str>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready(Ok(()));
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_a_call_leaves_nothing_behind() {
    for open in [false, true] {
        for polls in 0..=5 {
            let layer = BreakerLayer::builder();
            let layer = layer.rule(crate::world::consecutive(1)).build().unwrap();
            let handle = layer.handle();
            let service = layer.layer(Slow::default());
            if open {
                let failing = layer.layer(tower::service_fn(async |()| Err::<(), _>("failed")));
                failing.oneshot(()).await.unwrap_err();
                tokio::time::advance(seconds(10)).await;
                assert_eq!(handle.snapshot().state, State::HalfOpen);
            }
            let before = handle.snapshot();
            let mut call = Box::pin(service.clone().oneshot(()));
            let mut cx = Context::from_waker(Waker::noop());
            let mut ended = false;
            for _ in 0..polls {
                ended = call.as_mut().poll(&mut cx).is_ready();
            }
            drop(call);
            let after = handle.snapshot();
            let called = polls >= 2;
            assert_eq!(ended, polls == 5);
            assert_eq!(after.in_flight, 0, "after {polls}");
            assert_eq!(after.admitted - before.admitted, u64::from(called));
            assert_eq!(after.cancelled, u64::from(called && !ended));
            assert_eq!(after.failures, before.failures);
            let state = if ended { State::Closed } else { before.state };
            assert_eq!(after.state, state, "after {polls}");
            // The next one finds its way.
            service.oneshot(()).await.unwrap();
            assert_eq!(handle.snapshot().state, State::Closed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_neutral_and_counted_as_such() {
    let world = World::new();
    world.fail(4).await;
    for _ in 0..50 {
        let call = world.start(Do::Hang).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    let seen = world.seen();
    assert_eq!(
        (seen.cancelled, seen.fails),
        (50, 4),
        "neither more nor less"
    );
    world.fail(1).await;
    assert_eq!(world.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_panic_behind_it_is_a_cancelled_call() {
    for what in [Do::Panic, Do::PanicAtOnce] {
        let world = World::tripped().await;
        tokio::time::advance(seconds(10)).await;
        let panicked = world.start(what).await.await.unwrap_err();
        assert!(panicked.is_panic());
        let seen = world.seen();
        assert_eq!((seen.state, seen.cancelled), (State::HalfOpen, 1));
        assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    }
}

#[test]
fn a_classifier_that_panics_leaves_the_breaker_whole() {
    let layer = BreakerLayer::builder();
    let layer = layer.classify(|result: &Result<u8, u8>| match result {
        Ok(0) => panic!("as told"),
        _ => tower_upstream::classify::Condition::Served,
    });
    let layer = layer.build().unwrap();
    let service = layer.layer(tower::service_fn(async |n: u8| Ok(n)));
    let mut cx = Context::from_waker(Waker::noop());
    let mut ask = |n| Box::pin(service.clone().oneshot(n)).as_mut().poll(&mut cx);
    assert!(catch_unwind(AssertUnwindSafe(|| ask(0))).is_err());
    assert_eq!(ask(1), Poll::Ready(Ok(1)));
    let seen = layer.handle().snapshot();
    assert_eq!((seen.cancelled, seen.successes, seen.in_flight), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_a_failure_whichever_way_it_ends() {
    let layer = BreakerLayer::builder().slow_call(seconds(2)).build();
    let world = World::under(&layer.unwrap());
    let late = world.ask(Do::AnswerAfter(seconds(2))).await;
    assert_eq!(late, Ok("late answer"), "it is an answer all the same");
    assert_eq!(world.seen().fails, 1);
    timeout(seconds(3), world.ask(Do::Hang)).await.unwrap_err();
    assert_eq!(world.seen().fails, 2);
    // Sooner than that it is what it was.
    timeout(seconds(1), world.ask(Do::Hang)).await.unwrap_err();
    assert_eq!((world.seen().fails, world.seen().cancelled), (2, 1));
    world.ask(Do::AnswerAfter(seconds(1))).await.unwrap();
    assert_eq!(world.seen().fails, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_ready_but_not_called_holds_nothing() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    let mut idle = world.breaker.clone();
    ServiceExt::<Do>::ready(&mut idle).await.unwrap();
    assert_eq!(world.state(), State::HalfOpen, "the probe is not taken");
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    let seen = world.seen();
    assert_eq!((seen.in_flight, seen.admitted), (0, 6));
    // And it may still be called later.
    assert_eq!(idle.call(Do::Fail).await, Err(Error::Inner("failed")));
}
