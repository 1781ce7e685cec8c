//! The line: how long one waits, who is next, and who loses his place.

use tokio::time::Instant;
use tower_upstream::answer::Reason;
use tower_upstream::limit::Key;
use tower_upstream::limit::bulkhead::{BulkheadLayer, Class, Queue};
use tower_upstream::timeout::Deadline;

use crate::millis;
use crate::world::{Ask, Plain, World, ask, reason};

fn queue(length: usize) -> Queue {
    Queue {
        length,
        ..Queue::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_waits_and_is_served_in_its_order() {
    let world = Plain::new(BulkheadLayer::errors(1).queue(queue(10)));
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(world.start(ask("x", 10)).await);
    }
    assert_eq!(world.now(), (1, 4));
    let begin = Instant::now();
    for (number, call) in (1..).zip(calls) {
        assert_eq!(call.await.unwrap(), Ok("x"));
        assert_eq!(begin.elapsed(), millis(10 * number));
    }
    assert_eq!(world.most(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_line_refuses_at_once() {
    let world = Plain::new(BulkheadLayer::errors(1).queue(queue(2)));
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(world.start(ask("x", 10)).await);
    }
    let begin = Instant::now();
    assert_eq!(reason(world.ask(ask("x", 0)).await), Reason::Full);
    assert_eq!(begin.elapsed(), millis(0));
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_rule_allows() {
    let world = Plain::new(BulkheadLayer::errors(1).queue(queue(10)));
    let first = world.start(ask("first", 500)).await;
    let begin = Instant::now();
    let patient = world.start(ask("patient", 0)).await;
    tokio::time::advance(millis(60)).await;
    let later = world.start(ask("later", 0)).await;
    assert_eq!(reason(patient.await.unwrap()), Reason::Full);
    assert_eq!(begin.elapsed(), millis(100));
    // The line has not been empty for a hundred milliseconds.
    tokio::time::advance(millis(10)).await;
    let hurried = Instant::now();
    assert_eq!(reason(world.ask(ask("hurried", 0)).await), Reason::Full);
    assert_eq!(hurried.elapsed(), millis(5));
    assert_eq!(reason(later.await.unwrap()), Reason::Full);
    assert_eq!(begin.elapsed(), millis(160));
    // Empty at last, and patient again.
    let patient = Instant::now();
    assert_eq!(reason(world.ask(ask("patient", 0)).await), Reason::Full);
    assert_eq!(patient.elapsed(), millis(100));
    assert_eq!(world.seen().expired, 4);
    assert_eq!(world.calls(), 1);
    first.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn under_overload_the_newest_is_served_first() {
    let world = Plain::new(BulkheadLayer::errors(1).queue(queue(10)));
    let first = world.start(ask("first", 103)).await;
    tokio::time::advance(millis(1)).await;
    let old = world.start(ask("old", 0)).await;
    tokio::time::advance(millis(50)).await;
    let older = world.start(ask("older", 10)).await;
    tokio::time::advance(millis(51)).await;
    // Standing for more than a hundred milliseconds, less what was the first's.
    assert_eq!(reason(old.await.unwrap()), Reason::Full);
    let newest = world.start(ask("newest", 10)).await;
    let begin = Instant::now();
    first.await.unwrap().unwrap();
    assert_eq!(newest.await.unwrap(), Ok("newest"));
    assert_eq!(begin.elapsed(), millis(11));
    assert_eq!(older.await.unwrap(), Ok("older"));
    assert_eq!(begin.elapsed(), millis(21));
}

#[tokio::test(start_paused = true)]
async fn those_who_matter_more_go_first_and_take_the_places_of_others() {
    let class = |ask: &Ask| ask.who.parse::<Class>().unwrap();
    let builder = BulkheadLayer::errors(1).queue(queue(2));
    let world = World::new(builder.classes_by(class));
    let first = world.start(ask("critical", 10)).await;
    let least = world.start(ask("sheddable", 10)).await;
    let more = world.start(ask("critical", 10)).await;
    let begin = Instant::now();
    let most = world.start(ask("critical-plus", 10)).await;
    assert_eq!(reason(least.await.unwrap()), Reason::Shed);
    assert_eq!(begin.elapsed(), millis(0), "it is told at once");
    first.await.unwrap().unwrap();
    most.await.unwrap().unwrap();
    assert_eq!(begin.elapsed(), millis(20));
    more.await.unwrap().unwrap();
    assert_eq!(begin.elapsed(), millis(30));
    assert_eq!(world.seen().shed, 1);
}

/// One key alone must not fill the line.
#[tokio::test(start_paused = true)]
async fn who_waits_counts_under_its_key() {
    fn by_name(ask: &Ask) -> Key<'_> {
        Key::from(ask.who)
    }
    let builder = BulkheadLayer::errors(1).queue(queue(10));
    let world = World::new(builder.per_key(2, by_name));
    let one = world.start(ask("a", 10)).await;
    let two = world.start(ask("a", 10)).await;
    assert_eq!(reason(world.ask(ask("a", 0)).await), Reason::Full);
    let other = world.start(ask("b", 10)).await;
    for call in [one, two, other] {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_bounds_the_wait_and_what_is_late_is_not_begun() {
    let world = Plain::new(BulkheadLayer::errors(1).queue(queue(10)));
    let first = world.start(ask("first", 50)).await;
    let begin = Instant::now();
    let deadline = Deadline::after(millis(20));
    let call = deadline.scope(std::future::poll_fn({
        let mut call = None;
        let world = &world;
        move |cx| {
            let call = call.get_or_insert_with(|| Box::pin(world.ask(ask("second", 0))));
            call.as_mut().poll(cx)
        }
    }));
    assert_eq!(reason(call.await), Reason::Deadline);
    assert_eq!(begin.elapsed(), millis(20));
    first.await.unwrap().unwrap();
    // There is a place now, and no time.
    let late = deadline.scope(async { world.ask(ask("late", 0)).await });
    assert_eq!(reason(late.await), Reason::Deadline);
    assert_eq!((world.calls(), world.seen().expired), (1, 2));
}
