//! Name servers that fail, and names that are gone.

use std::time::{Duration, Instant};

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::RecordType;
use tower_upstream::ResolverConfig;

use crate::name_server::{Mood, NameServer, orders};
use crate::watching::{fails, plain, until, updates};

#[tokio::test]
async fn the_last_good_answer_outlives_its_server() {
    tokio::join!(
        dying(),
        refusing(),
        silent(),
        slow(),
        never_there(),
        one_of_two(),
    );
}

/// Its sockets are closed; when it is back, it is believed again.
async fn dying() {
    let mut server = NameServer::start(orders(0, &["10.0.0.1"])).await;
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    server.die();
    fails(&mut updates, "could not be resolved").await;
    fails(&mut updates, "could not be resolved").await;
    server.holds(orders(0, &["10.0.0.2"]));
    server.come_back().await;
    until(&mut updates, &["10.0.0.2:80"]).await;
    assert_eq!(updates.watch().troubles(), [] as [&str; 0]);
}

async fn refusing() {
    let server = NameServer::start(orders(0, &["10.0.0.1"])).await;
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    server.holds(orders(0, &["10.0.0.2"]));
    for (code, words) in [
        (ResponseCode::ServFail, "(2: Server failure)"),
        (ResponseCode::Refused, "(5: Operation refused)"),
        (ResponseCode::NotImp, "(4: Unimplemented)"),
    ] {
        server.mood(Mood::Refuses(code));
        fails(&mut updates, words).await;
    }
    // Half an answer is none: what is missing of it need not be gone.
    server.mood(Mood::RefusesKind(RecordType::AAAA, ResponseCode::ServFail));
    fails(&mut updates, "(2: Server failure)").await;
    server.mood(Mood::Answers);
    until(&mut updates, &["10.0.0.2:80"]).await;
}

/// It takes questions and never answers: a look lasts as long as it may, and no longer.
async fn silent() {
    let server = NameServer::start(orders(0, &["10.0.0.1"])).await;
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    server.mood(Mood::Silent);
    let begun = Instant::now();
    fails(&mut updates, "(110: Operation timed out)").await;
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(2),
        "1 s of waiting and 1 s of looking: {took:?}"
    );
    assert!(took < Duration::from_secs(7), "{took:?}");
    server.holds(orders(0, &["10.0.0.2"]));
    server.mood(Mood::Answers);
    until(&mut updates, &["10.0.0.2:80"]).await;
}

/// Late is not never.
async fn slow() {
    let server = NameServer::start(orders(0, &["10.0.0.1"])).await;
    server.mood(Mood::AnswersAfter(Duration::from_millis(200)));
    let mut updates = updates(&server.config(), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    server.holds(orders(0, &["10.0.0.2"]));
    until(&mut updates, &["10.0.0.2:80"]).await;
}

/// Nobody has ever answered: that is nobody's word that there are no servers.
async fn never_there() {
    let mut server = NameServer::start(orders(0, &["10.0.0.1"])).await;
    server.die();
    let mut updates = updates(&server.config(), &plain());
    fails(&mut updates, "orders.example could not be resolved").await;
    assert!(updates.watch().members().is_empty());
    server.come_back().await;
    until(&mut updates, &["10.0.0.1:80"]).await;
}

/// One of two name servers is gone: the other is enough, at once.
async fn one_of_two() {
    let mut gone = NameServer::start(vec![]).await;
    gone.die();
    let server = NameServer::start(orders(60, &["10.0.0.1"])).await;
    let config = ResolverConfig {
        servers: vec![gone.address.to_string(), server.address.to_string()],
        ..server.config()
    };
    let mut updates = updates(&config, &plain());
    assert!(updates.look().await, "{:?}", updates.watch().troubles());
    until(&mut updates, &["10.0.0.1:80"]).await;
}

#[tokio::test]
async fn a_name_that_is_gone_takes_its_servers_along() {
    let config = |server: &NameServer| ResolverConfig {
        valid: Some(Duration::from_millis(1)),
        ..server.config()
    };
    let server = NameServer::start(orders(60, &["10.0.0.1"])).await;
    let mut updates = updates(&config(&server), &plain());
    until(&mut updates, &["10.0.0.1:80"]).await;
    server.holds(vec![]);
    until(&mut updates, &[]).await;
    assert_eq!(
        updates.watch().troubles(),
        ["orders.example could not be resolved (3: Host not found)"]
    );
    server.holds(orders(60, &["10.0.0.2"]));
    until(&mut updates, &["10.0.0.2:80"]).await;
    // The name is there and has nothing of the kind: nobody, too.
    server.holds(vec![crate::name_server::srv("orders", 60, (1, 1, 1), "a")]);
    until(&mut updates, &[]).await;
    assert!(server.asked(RecordType::A).len() >= 4);
}
