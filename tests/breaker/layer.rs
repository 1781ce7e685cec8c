//! The circuit through its states, over a service that stands alone.

use std::convert::Infallible;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use tower::{Layer, Service, ServiceExt, service_fn};
use tower_upstream::breaker::{
    BreakerLayer, Error, FailureRule, FailureRules, MaxFails, State, SuccessRatio,
};
use tower_upstream::classify::Condition;
use tower_upstream::{BoxError, find_cause};

use crate::world::{Do, World, consecutive, open, pass};
use crate::{millis, seconds};

#[tokio::test(start_paused = true)]
async fn failures_open_it_a_probe_closes_it() {
    let world = World::new();
    world.fail(4).await;
    assert_eq!(world.state(), State::Closed);
    world.fail(1).await;
    assert_eq!(world.state(), State::Open);

    assert_eq!(world.ask(Do::Answer).await, open(10));
    tokio::time::advance(seconds(4)).await;
    assert_eq!(world.ask(Do::Answer).await, open(6));
    assert_eq!(world.calls(), 5, "the service is left alone");

    tokio::time::advance(seconds(6)).await;
    assert_eq!(world.state(), State::HalfOpen);
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    assert_eq!(world.state(), State::Closed);

    let seen = world.seen();
    assert_eq!((seen.admitted, seen.rejected, seen.opened), (6, 2, 1));
    assert_eq!((seen.successes, seen.failures), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_opens_it_for_twice_as_long() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    world.fail(1).await;
    assert_eq!(world.ask(Do::Answer).await, open(20));
    assert_eq!(world.seen().opened, 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_probe_is_out_others_are_told_when_its_lease_ends() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    let probe = world.start(Do::Hang).await;
    tokio::time::advance(seconds(3)).await;
    assert_eq!(world.ask(Do::Answer).await, open(7));
    assert!(world.seen().probing);
    // The lease is over, the probe is not.
    tokio::time::advance(seconds(7)).await;
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    assert_eq!(world.state(), State::Closed);
    probe.abort();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_outlives_its_lease_is_not_heard_once_another_is_out() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    let late = world.start(Do::AnswerAfter(seconds(12))).await;
    tokio::time::advance(seconds(10)).await;
    let probe = world.start(Do::Hang).await;
    assert_eq!(late.await.unwrap(), Ok("late answer"));
    assert_eq!(world.state(), State::Open);
    assert_eq!(world.seen().unheard, 1);
    probe.abort();
}

#[tokio::test(start_paused = true)]
async fn every_rule_drives_it() {
    let builders = [
        (BreakerLayer::builder().max_fails(3, seconds(10)), 3),
        (BreakerLayer::builder().rule(consecutive(4)), 4),
        (BreakerLayer::builder().rule(SuccessRatio::default()), 20),
        (BreakerLayer::builder().rule(FailureRules::MaxFails), 1),
    ];
    for (builder, failures) in builders {
        let world = World::under(&builder.build().unwrap());
        world.fail(failures - 1).await;
        assert_eq!(world.state(), State::Closed);
        world.fail(1).await;
        assert_eq!(world.state(), State::Open);
        // NGINX's rule counts whole seconds of the wall clock.
        tokio::time::advance(seconds(11)).await;
        assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
        assert_eq!(world.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn under_nginxs_rule_an_abandoned_probe_keeps_its_lease() {
    let layer = BreakerLayer::builder().max_fails(1, seconds(10)).build();
    let world = World::under(&layer.unwrap());
    world.fail(1).await;
    tokio::time::advance(seconds(11)).await;
    let probe = world.start(Do::Hang).await;
    assert!(world.seen().probing);
    probe.abort();
    probe.await.unwrap_err();
    let seen = world.seen();
    assert_eq!((seen.state, seen.probing), (State::Open, false));
    tokio::time::advance(seconds(11)).await;
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_ones_own_drives_it() {
    /// Out for good after the first failure.
    #[derive(Debug, Default)]
    struct Once(u32);

    impl FailureRule for Once {
        fn picked(&mut self, _: std::time::Duration) {}
        fn failed(&mut self, _: std::time::Duration) -> bool {
            self.0 += 1;
            true
        }
        fn succeeded(&mut self, _: std::time::Duration) {}
        fn barred_until(&self) -> Option<std::time::Duration> {
            (self.0 > 0).then_some(std::time::Duration::MAX)
        }
        fn fails(&self) -> u32 {
            self.0
        }
    }

    let layer = BreakerLayer::builder().own_rule(Once::default()).build();
    let world = World::under(&layer.unwrap());
    world.fail(1).await;
    pass(seconds(1_000_000)).await;
    assert!(world.ask(Do::Answer).await.is_err());
    assert_eq!(world.calls(), 1);

    // A machine of the house is a rule like any other.
    let layer = BreakerLayer::builder().own_rule(MaxFails::new(2, seconds(1)));
    let world = World::under(&layer.build().unwrap());
    world.fail(2).await;
    assert_eq!(world.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn what_a_condition_says_of_the_service() {
    let layer = BreakerLayer::builder().max_fails(1, seconds(10)).classify(
        |result: &Result<Condition, Infallible>| match result {
            Ok(condition) => *condition,
            Err(never) => match *never {},
        },
    );
    let layer = layer.build().unwrap();
    let handle = layer.handle();
    let service = layer.layer(service_fn(async |condition| Ok(condition)));
    let neutral = [Condition::Aborted, Condition::Exhausted, Condition::Http429];
    for condition in neutral {
        service.clone().oneshot(condition).await.unwrap();
    }
    for condition in [Condition::Served, Condition::Http403, Condition::Http404] {
        service.clone().oneshot(condition).await.unwrap();
    }
    let seen = handle.snapshot();
    assert_eq!(
        (seen.neutral, seen.successes, seen.state),
        (3, 3, State::Closed)
    );
    let failures = [
        Condition::Error,
        Condition::Timeout,
        Condition::InvalidHeader,
        Condition::Http500,
        Condition::Http502,
        Condition::Http503,
        Condition::Http504,
    ];
    for condition in failures {
        service.clone().oneshot(condition).await.unwrap();
        assert_eq!(handle.snapshot().state, State::Open, "{condition:?}");
        tokio::time::advance(seconds(11)).await;
        // A neutral probe leaves it half open, when its lease is over (NGINX's rule).
        service.clone().oneshot(Condition::Http429).await.unwrap();
        tokio::time::advance(seconds(11)).await;
        assert_eq!(handle.snapshot().state, State::HalfOpen);
        service.clone().oneshot(Condition::Served).await.unwrap();
        assert_eq!(handle.snapshot().state, State::Closed);
    }
}

/// A service that fails before it can be called, as one that has to connect does.
#[derive(Clone)]
struct Unready;

impl Service<()> for Unready {
    type Response = ();
    type Error = &'static str;
    type Future = std::future::Ready<Result<(), &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Err("refused"))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[tokio::test(start_paused = true)]
async fn failing_to_get_ready_is_a_failed_call() {
    let layer = BreakerLayer::new();
    let service = layer.layer(Unready);
    for _ in 0..5 {
        let failed = service.clone().oneshot(()).await;
        assert_eq!(failed, Err(Error::Inner("refused")));
    }
    let refused = service.clone().oneshot(()).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(seconds(10)));
    tokio::time::advance(seconds(10)).await;
    assert_eq!(
        service.clone().oneshot(()).await,
        Err(Error::Inner("refused"))
    );
    let refused = service.clone().oneshot(()).await.unwrap_err();
    assert_eq!(
        refused.retry_after(),
        Some(seconds(20)),
        "that was the probe"
    );
    assert_eq!(layer.handle().snapshot().failures, 6);
}

#[tokio::test(start_paused = true)]
async fn readiness_given_while_open_is_not_used_once_it_is_not() {
    let world = World::tripped().await;
    let polls = world.backend.ready_polls.load(Relaxed);
    let mut breaker = world.breaker.clone();
    breaker.ready().await.unwrap();
    assert_eq!(world.backend.ready_polls.load(Relaxed), polls, "left alone");
    tokio::time::advance(seconds(10)).await;
    // The service behind has not been asked whether it is ready.
    assert_eq!(breaker.call(Do::Answer).await, open(0));
    assert_eq!(
        world.state(),
        State::HalfOpen,
        "and the probe is still to be made"
    );
    breaker.ready().await.unwrap();
    assert_eq!(breaker.call(Do::Answer).await, Ok("answer"));
    // Nor is it used twice.
    assert_eq!(breaker.call(Do::Answer).await, open(0));
    assert_eq!(world.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn shadow_mode_refuses_nothing_and_counts_what_it_would_have() {
    let layer = BreakerLayer::builder().shadow(true).build().unwrap();
    let world = World::under(&layer);
    world.fail(5).await;
    // The rule is not told of what it would not have let through.
    world.fail(7).await;
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    let seen = world.seen();
    assert_eq!((seen.state, seen.shadow), (State::Open, true));
    assert_eq!((seen.rejected, seen.would_have_rejected), (0, 8));
    assert_eq!((seen.admitted, seen.unheard, seen.opened), (13, 8, 1));
    // The probe it would have made fails, and so on.
    tokio::time::advance(seconds(10)).await;
    world.fail(1).await;
    tokio::time::advance(seconds(19)).await;
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    assert_eq!(world.seen().would_have_rejected, 9);
    tokio::time::advance(seconds(1)).await;
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    assert_eq!(world.state(), State::Closed);
}

#[tokio::test]
async fn all_bad_numbers_are_named_at_build() {
    let bad = BreakerLayer::builder()
        .max_fails(1, millis(1500))
        .rule(consecutive(0))
        .slow_call(seconds(0))
        .build();
    assert_eq!(
        bad.unwrap_err().problems(),
        [
            "consecutive failures=0: at least 1",
            "fail_timeout=1.5s: whole seconds only",
            "slow_call=0s: more than zero",
        ]
    );
}

#[test]
fn errors_say_when_to_come_back_and_keep_their_source() {
    type Failed = Error<std::io::Error>;
    let refused = Failed::Open {
        retry_after: seconds(3),
    };
    assert_eq!(refused.to_string(), "circuit open");
    assert_eq!(refused.retry_after(), Some(seconds(3)));
    assert!(refused.into_inner().is_none());
    assert_eq!(Failed::ForcedOpen.retry_after(), None);

    let inner = Failed::Inner(std::io::Error::other("gone"));
    let source = find_cause::<std::io::Error>(&inner).unwrap();
    assert_eq!(source.to_string(), "gone");
    assert_eq!(inner.into_inner().unwrap().to_string(), "gone");

    // Boxed, a refusal can still be told from what the service said.
    let boxed = Error::<BoxError>::Open {
        retry_after: seconds(3),
    }
    .boxed();
    let refused = find_cause::<Error<Infallible>>(&*boxed).unwrap();
    assert_eq!(refused.retry_after(), Some(seconds(3)));
    let boxed = Error::Inner(BoxError::from("gone")).boxed();
    assert_eq!(boxed.to_string(), "gone");
}
