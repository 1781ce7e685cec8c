//! A dry run (LN-4): nobody is refused, nobody waits, and it is known who would have.

use tower_upstream::limit::Key;
use tower_upstream::limit::bulkhead::{BulkheadLayer, Class, Queue, Vegas, Zone};
use tower_upstream::timeout::Deadline;

use crate::millis;
use crate::world::{Ask, Plain, World, ask};

fn by_name(ask: &Ask) -> Key<'_> {
    Key::from(ask.who)
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_is_served_and_takes_none() {
    let world = Plain::new(BulkheadLayer::errors(1).dry_run(true));
    let calls = [
        world.start(ask("one", 20)).await,
        world.start(ask("two", 10)).await,
        world.start(ask("three", 30)).await,
    ];
    assert_eq!((world.now(), world.most()), ((1, 0), 3));
    for call in calls {
        call.await.unwrap().unwrap();
        // Two and three had no place to give back.
        assert!(world.now().0 <= 1);
    }
    let seen = world.seen();
    assert_eq!((seen.in_flight, seen.admitted, seen.rejected), (0, 1, 2));
    assert_eq!(world.ask(ask("four", 0)).await, Ok("four"));
    assert_eq!(world.seen().admitted, 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_and_it_is_known_who_would_have() {
    let world = Plain::new(
        BulkheadLayer::errors(1)
            .queue(Queue::default())
            .dry_run(true),
    );
    let first = world.start(ask("first", 50)).await;
    assert_eq!(world.ask(ask("second", 0)).await, Ok("second"));
    let seen = world.seen();
    assert_eq!((seen.waiting, seen.delayed, seen.rejected), (0, 1, 0));
    first.await.unwrap().unwrap();
}

/// W19's last line. As in NGINX, what one limit would have refused counts for no other.
#[tokio::test(start_paused = true)]
async fn keys_are_counted_only_for_those_who_would_have_got_in() {
    let zone = Zone::new();
    let present = |who| zone.present(&Key::from(who));
    let layer = BulkheadLayer::errors(2).per_key_in(&zone, 1, by_name);
    let world = World::new(layer.dry_run(true));
    let calls = [
        world.start(ask("a", 10)).await,
        world.start(ask("a", 20)).await,
        world.start(ask("b", 20)).await,
        world.start(ask("c", 20)).await,
    ];
    assert_eq!(world.calls(), 4);
    assert_eq!((present("a"), present("b"), present("c")), (1, 1, 0));
    let seen = world.seen();
    assert_eq!((seen.in_flight, seen.admitted), (2, 2));
    assert_eq!((seen.rejected_by_key, seen.rejected), (1, 1));
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((zone.keys(), world.seen().in_flight), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn classes_and_deadlines_refuse_nobody_either() {
    let class = |ask: &Ask| ask.who.parse::<Class>().unwrap();
    let world = World::new(BulkheadLayer::errors(2).classes_by(class).dry_run(true));
    let first = world.start(ask("sheddable", 10)).await;
    assert_eq!(world.ask(ask("sheddable", 0)).await, Ok("sheddable"));
    assert_eq!((world.seen().shed, world.seen().rejected), (1, 0));
    let late = Deadline::after(millis(0));
    let late = late.scope(world.ask(ask("critical-plus", 0))).await;
    assert_eq!(late, Ok("critical-plus"));
    assert_eq!(world.seen().expired, 0);
    first.await.unwrap().unwrap();
}

/// Calls that would not have been made are no measure of the limit.
#[tokio::test(start_paused = true)]
async fn a_limit_learns_from_those_it_would_have_served() {
    let vegas = Vegas {
        initial: 1,
        max: 1,
        ..Vegas::default()
    };
    let world = Plain::new(BulkheadLayer::errors(vegas).dry_run(true));
    let first = world.start(ask("first", 500)).await;
    for _ in 0..50 {
        assert_eq!(world.ask(ask("other", 5)).await, Ok("other"));
    }
    let seen = world.seen();
    assert_eq!((seen.admitted, seen.rejected, seen.limit), (1, 50, 1));
    first.await.unwrap().unwrap();
}
