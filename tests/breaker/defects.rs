//! What other breakers were found to do, so that this one never does. The letters are those of the
//! survey that found them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::timeout;
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_upstream::breaker::{BreakerLayer, Error, FailureRule, Snapshot, State, SuccessRatio};

use crate::world::{Backend, Do, World, open};
use crate::{millis, seconds};

/// A "sliding window" that only added up: after 1000 successes it took 1000 failures to open.
#[tokio::test(start_paused = true)]
async fn a_old_successes_leave_the_window() {
    let layer = BreakerLayer::builder()
        .rule(SuccessRatio::default())
        .build();
    let world = World::under(&layer.unwrap());
    for _ in 0..1000 {
        world.ask(Do::Answer).await.unwrap();
    }
    tokio::time::advance(seconds(10)).await;
    world.fail(19).await;
    assert_eq!(world.state(), State::Closed, "less than the minimum");
    world.fail(1).await;
    assert_eq!(world.state(), State::Open);
}

/// "Backpressure" that woke itself: 101,290 polls in 200 ms for one backend out of use.
#[tokio::test(start_paused = true)]
async fn b_an_open_breaker_is_ready_at_once_and_wakes_nobody() {
    #[derive(Default)]
    struct Wakes(AtomicU64);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    let world = World::tripped().await;
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    let polls = world.backend.ready_polls.load(Relaxed);
    let mut breaker = world.breaker.clone();
    let ready = Service::<Do>::poll_ready(&mut breaker, &mut cx);
    assert_eq!(ready, Poll::Ready(Ok(())));
    assert_eq!(breaker.call(Do::Answer).await, open(10));
    assert_eq!(world.backend.ready_polls.load(Relaxed), polls);

    // No more so while the probe is out.
    tokio::time::advance(seconds(10)).await;
    let probe = world.start(Do::Hang).await;
    let ready = Service::<Do>::poll_ready(&mut breaker, &mut cx);
    assert_eq!(ready, Poll::Ready(Ok(())));
    assert_eq!(breaker.call(Do::Answer).await, open(10));
    tokio::time::advance(seconds(60)).await;
    assert_eq!(wakes.0.load(Relaxed), 0);
    probe.abort();
}

/// A call let through before the trip closed the circuit while the real probe was still hanging.
#[tokio::test(start_paused = true)]
async fn c_calls_from_before_the_trip_neither_close_nor_reopen() {
    for (straggler, answer) in [
        (Do::AnswerAfter(seconds(12)), Ok("late answer")),
        (Do::FailAfter(seconds(12)), Err(Error::Inner("failed late"))),
    ] {
        let world = World::new();
        let straggler = world.start(straggler).await;
        world.fail(5).await;
        tokio::time::advance(seconds(10)).await;
        let probe = world.start(Do::AnswerAfter(seconds(5))).await;
        assert_eq!(straggler.await.unwrap(), answer);
        let seen = world.seen();
        assert_eq!((seen.state, seen.probing), (State::Open, true));
        assert_eq!((seen.unheard, seen.opened), (1, 1));
        assert_eq!(probe.await.unwrap(), Ok("late answer"));
        assert_eq!(world.state(), State::Closed, "that was the probe's to say");
    }
}

/// Nor do they keep it open: NGINX's rule would begin its ban anew with each of them.
#[tokio::test(start_paused = true)]
async fn c_calls_from_before_the_trip_do_not_prolong_it() {
    let layer = BreakerLayer::builder().max_fails(1, seconds(10)).build();
    let world = World::under(&layer.unwrap());
    let straggler = world.start(Do::FailAfter(seconds(8))).await;
    world.fail(1).await;
    let until = world.seen().retry_after.unwrap();
    straggler.await.unwrap().unwrap_err();
    assert_eq!(world.seen().retry_after, Some(until - seconds(8)));
}

/// The same while it is closed again: what a call from before says is not of this time.
#[tokio::test(start_paused = true)]
async fn c_calls_from_before_the_trip_do_not_count_after_the_recovery() {
    let world = World::new();
    let mut stragglers = Vec::new();
    for _ in 0..10 {
        stragglers.push(world.start(Do::FailAfter(seconds(12))).await);
    }
    world.fail(5).await;
    tokio::time::advance(seconds(10)).await;
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    for straggler in stragglers {
        straggler.await.unwrap().unwrap_err();
    }
    assert_eq!((world.state(), world.seen().fails), (State::Closed, 0));
}

/// Fifty calls cancelled by a timeout in front left no trace, and a backend that hangs never tripped.
#[tokio::test(start_paused = true)]
async fn d_a_timeout_in_front_hides_no_hanging_backend() {
    async fn fifty(layer: BreakerLayer) -> Snapshot {
        let backend = Backend::default();
        let service = ServiceBuilder::new()
            .map_err(|late: tower::BoxError| late.to_string())
            .layer(tower::timeout::TimeoutLayer::new(seconds(2)))
            .map_err(Error::boxed)
            .layer(layer.clone())
            .service(backend);
        for _ in 0..50 {
            service.clone().oneshot(Do::Hang).await.unwrap_err();
        }
        layer.handle().snapshot()
    }

    // They are seen at least,
    let seen = fifty(BreakerLayer::new()).await;
    assert_eq!(
        (seen.state, seen.cancelled, seen.failures),
        (State::Closed, 50, 0)
    );
    // and counted where the user says so. The limit may be the timeout's own.
    let layer = BreakerLayer::builder().slow_call(seconds(2)).build();
    let seen = fifty(layer.unwrap()).await;
    assert_eq!((seen.state, seen.cancelled), (State::Open, 0));
    assert!(seen.failures < 10, "the rest was refused: {seen:?}");
}

/// After one cycle the gauges of all three states read 1.
#[tokio::test(start_paused = true)]
async fn e_exactly_one_state_at_a_time() {
    fn gauges(world: &World) -> [bool; 3] {
        let state = world.seen().state;
        [State::Closed, State::Open, State::HalfOpen].map(|s| s == state)
    }
    let world = World::new();
    for _ in 0..3 {
        assert_eq!(gauges(&world), [true, false, false]);
        world.fail(5).await;
        assert_eq!(gauges(&world), [false, true, false]);
        // The longest ejection.
        tokio::time::advance(seconds(300)).await;
        assert_eq!(gauges(&world), [false, false, true]);
        let probe = world.start(Do::AnswerAfter(seconds(1))).await;
        assert_eq!(gauges(&world), [false, true, false]);
        probe.await.unwrap().unwrap();
    }
    assert_eq!(gauges(&world), [true, false, false]);
}

/// One layer value applied twice gave two circuits that knew nothing of each other.
#[tokio::test(start_paused = true)]
async fn f_one_layer_value_is_one_circuit() {
    let layer = BreakerLayer::new();
    let once = World::under(&layer);
    let twice = World::under(&layer);
    let cloned = World::under(&layer.clone());
    let late = ServiceBuilder::new()
        .layer(layer.clone())
        .service(Backend::default());
    once.fail(2).await;
    twice.fail(2).await;
    cloned.fail(1).await;
    for world in [&once, &twice, &cloned] {
        assert_eq!(world.ask(Do::Answer).await, open(10));
    }
    assert_eq!(late.oneshot(Do::Answer).await, open(10));
    // And one that is not its clone knows nothing of it.
    assert_eq!(World::new().ask(Do::Answer).await, Ok("answer"));
}

/// Every caller was let through in half-open.
#[tokio::test(start_paused = true)]
async fn half_open_lets_one_of_many_callers_through() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    let mut callers = Vec::new();
    for _ in 0..100 {
        callers.push(tokio::spawn(world.ask(Do::AnswerAfter(millis(10)))));
    }
    let mut answered = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(_) => answered += 1,
            refused => assert_eq!(refused, open(10)),
        }
    }
    assert_eq!((answered, world.calls()), (1, 6));
    assert_eq!(world.state(), State::Closed);
}

/// The same from threads that all ask at once.
#[test]
fn half_open_lets_one_of_many_threads_through() {
    /// Half open from the start, with a lease that does not run out.
    #[derive(Debug)]
    struct Probation {
        leased: bool,
    }

    impl FailureRule for Probation {
        fn picked(&mut self, _: Duration) {
            self.leased = true;
        }
        fn failed(&mut self, _: Duration) -> bool {
            false
        }
        fn succeeded(&mut self, _: Duration) {}
        fn barred_until(&self) -> Option<Duration> {
            Some(if self.leased {
                Duration::MAX
            } else {
                Duration::ZERO
            })
        }
        fn fails(&self) -> u32 {
            1
        }
    }

    let layer = BreakerLayer::builder().own_rule(Probation { leased: false });
    let world = World::under(&layer.build().unwrap());
    let ask = || {
        let mut call = Box::pin(world.ask(Do::Hang));
        let mut cx = Context::from_waker(Waker::noop());
        call.as_mut().poll(&mut cx).is_pending().then_some(call)
    };
    let through: Vec<_> = std::thread::scope(|scope| {
        let many = || (0..100).filter_map(|_| ask()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(many)).collect();
        let all = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        all.collect()
    });
    assert_eq!((through.len(), world.calls()), (1, 1));
    assert_eq!((world.seen().rejected, world.seen().in_flight), (799, 1));
}

/// A probe whose caller had gone was neither ended nor missed: the circuit stayed half open for ever.
#[tokio::test(start_paused = true)]
async fn a_dropped_probe_is_made_again() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    timeout(seconds(1), world.ask(Do::Hang)).await.unwrap_err();
    assert_eq!(world.state(), State::HalfOpen);
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    assert_eq!(world.state(), State::Closed);
}
