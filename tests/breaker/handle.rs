//! An operator's switch.

use tower_upstream::breaker::{BreakerLayer, Error, Mode, State};

use crate::seconds;
use crate::world::{Do, World, open};

#[tokio::test(start_paused = true)]
async fn forced_open_refuses_whatever_the_rule_says() {
    let shadow = BreakerLayer::builder().shadow(true).build().unwrap();
    for world in [World::new(), World::under(&shadow)] {
        world.handle.force_open();
        assert_eq!(world.ask(Do::Answer).await, Err(Error::ForcedOpen));
        tokio::time::advance(seconds(10_000)).await;
        assert_eq!(world.ask(Do::Answer).await, Err(Error::ForcedOpen));
        let seen = world.seen();
        assert_eq!((seen.state, seen.mode), (State::Open, Mode::ForcedOpen));
        assert_eq!((seen.rejected, world.calls()), (2, 0));
        world.handle.automatic();
        assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    }
}

#[tokio::test(start_paused = true)]
async fn forced_closed_lets_everything_through_and_the_rule_hears_nothing() {
    let world = World::tripped().await;
    world.handle.force_closed();
    world.fail(100).await;
    let seen = world.seen();
    assert_eq!((seen.state, seen.mode), (State::Closed, Mode::ForcedClosed));
    assert_eq!((seen.opened, seen.unheard), (1, 100));
    // It goes on where it stood.
    world.handle.automatic();
    assert_eq!(world.ask(Do::Answer).await, open(10));
}

#[tokio::test(start_paused = true)]
async fn calls_from_before_a_switch_are_not_heard_after_it() {
    let world = World::new();
    let mut calls = Vec::new();
    for _ in 0..10 {
        calls.push(world.start(Do::FailAfter(seconds(1))).await);
    }
    world.handle.force_closed();
    world.handle.automatic();
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(Error::Inner("failed late")));
    }
    let seen = world.seen();
    assert_eq!((seen.state, seen.fails), (State::Closed, 0));
    assert_eq!((seen.failures, seen.unheard), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_probe_cut_off_by_the_switch_is_made_again() {
    let world = World::tripped().await;
    tokio::time::advance(seconds(10)).await;
    let probe = world.start(Do::Hang).await;
    world.handle.force_open();
    assert!(!world.seen().probing);
    world.handle.automatic();
    assert_eq!(world.state(), State::HalfOpen);
    assert_eq!(world.ask(Do::Answer).await, Ok("answer"));
    assert_eq!(world.state(), State::Closed);
    probe.abort();
}

#[tokio::test(start_paused = true)]
async fn the_same_switch_twice_changes_nothing() {
    let world = World::new();
    let call = world.start(Do::FailAfter(seconds(1))).await;
    world.handle.automatic();
    call.await.unwrap().unwrap_err();
    assert_eq!(world.seen().fails, 1);
}
