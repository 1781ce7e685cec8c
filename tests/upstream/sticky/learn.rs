use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::sync::Notify;
use tower_upstream::balance::{Affinity, Route};
use tower_upstream::{NextUpstream, Proxy, Semantics, Sticky, StickyLearn, Upstream};

use super::{Act, Told, ends, get, send, told};
use crate::peer::upstream;

fn learn() -> StickyLearn {
    StickyLearn {
        timeout: Duration::from_secs(2),
        ..StickyLearn::new("$upstream_cookie_s", "$cookie_s")
    }
}

fn shop(peers: &[&Told; 2], learn: StickyLearn) -> Upstream {
    upstream(peers.map(Told::server), |b| b.sticky(Sticky::Learn(learn)))
}

async fn pair() -> [Told; 2] {
    [told().await, told().await]
}

/// Lets so much time pass on the runtime's clock.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn w24_a_session_stays_until_it_is_idle_for_too_long() {
    let [a, b] = pair().await;
    let peers = [&a, &b];
    let shop = shop(&peers, learn());
    a.does(Act::Begins("1"));
    assert_eq!(ends(&shop, &peers, &[""]).await, "A");
    a.does(Act::Answers);
    assert_eq!(ends(&shop, &peers, &["s=1"; 4]).await, "A A A A");
    assert_eq!(ends(&shop, &peers, &["s=2"; 4]).await, "B A B A", "unknown");
    // Used in time, it lives on.
    for _ in 0..3 {
        pass(Duration::from_millis(1500)).await;
        assert_eq!(ends(&shop, &peers, &["s=1"]).await, "A");
    }
    pass(Duration::from_millis(2500)).await;
    assert_eq!(ends(&shop, &peers, &["s=1"; 4]).await, "B A B A");
}

#[tokio::test]
async fn other_workers_know_it_even_without_a_zone() {
    let [a, b] = pair().await;
    let peers = [&a, &b];
    let shop = shop(&peers, learn());
    b.does(Act::Begins("1"));
    assert_eq!(ends(&shop, &peers, &["", ""]).await, "A B");
    let other = Upstream::new(shop.group().worker(), Proxy::default());
    assert!(!shop.group().config().zone);
    assert_eq!(ends(&other, &peers, &["s=1"; 3]).await, "B B B");
    b.does(Act::Begins("2"));
    assert_eq!(ends(&other, &peers, &["s=1"]).await, "B");
    assert_eq!(ends(&shop, &peers, &["s=2"; 3]).await, "B B B");
}

#[tokio::test]
async fn who_takes_a_group_s_place_knows_its_sessions_if_it_sticks_alike() {
    let [a, b] = pair().await;
    let peers = [&a, &b];
    let before = shop(&peers, learn());
    a.does(Act::Begins("1"));
    assert_eq!(ends(&before, &peers, &[""]).await, "A");
    a.does(Act::Answers);
    let longer = StickyLearn {
        timeout: Duration::from_secs(3),
        ..learn()
    };
    for (sticky, ends_there) in [(learn(), "A A A"), (longer, "B A B")] {
        let mut config = before.group().config().clone();
        config.servers.reverse();
        config.sticky = Some(Sticky::Learn(sticky));
        let after = before.group().reconfigured(config).unwrap().apply();
        let after = Upstream::new(after, Proxy::default());
        assert_eq!(ends(&after, &peers, &["s=1"; 3]).await, ends_there);
    }
    let mut config = before.group().config().clone();
    config.servers.clear();
    assert!(before.group().reconfigured(config).is_err());
}

#[tokio::test]
async fn a_session_follows_to_where_it_was_served_last() {
    let [a, b] = pair().await;
    let peers = [&a, &b];
    let shop = shop(&peers, learn());
    a.does(Act::Begins("1"));
    assert_eq!(ends(&shop, &peers, &[""]).await, "A");
    a.does(Act::Closes);
    assert_eq!(ends(&shop, &peers, &["s=1", "s=1"]).await, "A, B B");
    // A is as good as new, but the session has moved.
    a.does(Act::Answers);
    let members = shop.group().members();
    assert!(members.remove(&a.peer.address.to_string()));
    members.insert(a.server()).unwrap();
    assert_eq!(ends(&shop, &peers, &["s=1"; 3]).await, "B B B");
}

#[tokio::test]
async fn it_is_asked_for_anew_before_every_attempt() {
    let [a, b, c] = [told().await, told().await, told().await];
    let peers = [&a, &b, &c];
    let learn = StickyLearn {
        create: vec!["$arg_begin".into()],
        ..learn()
    };
    let shop = upstream(peers.map(Told::server), |b| b.sticky(Sticky::Learn(learn)));
    let begin = async |told: &Told| {
        let route = Route::new(&told.id());
        let affinity = Affinity {
            route,
            ..Affinity::default()
        };
        let mut request = get("");
        *request.uri_mut() = "/?begin=1".parse().unwrap();
        request.extensions_mut().insert(affinity);
        send(&shop, &peers, request).await.end
    };
    assert_eq!(begin(&a).await, "200 [A]");
    let close = Arc::new(Notify::new());
    a.does(Act::ClosesWhen(Arc::clone(&close)));
    let moves = async {
        while a.peer.accepted() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(begin(&c).await, "200 [C]");
        close.notify_one();
    };
    let ((), end) = tokio::join!(moves, ends(&shop, &peers, &["s=1"]));
    // Without the session it would have been B's turn.
    assert_eq!(end, "A, C");
}

/// Where a session of this name is at home, if anywhere: B, whose turn it never is here.
async fn is_known(shop: &Upstream, peers: &[&Told; 2], session: &str) -> bool {
    shop.group()
        .members()
        .drain(&peers[1].peer.address.to_string(), true);
    ends(shop, peers, &[&format!("s={session}")]).await == "B"
}

#[tokio::test]
async fn what_an_ending_teaches() {
    for semantics in [Semantics::Nginx, Semantics::Strict] {
        let nginx = semantics == Semantics::Nginx;
        for (act, all_of_it, known) in [
            (Act::Begins("1"), true, true),
            (Act::BeginsWith(404, "1"), true, true),
            // The last try there was (NU-8).
            (Act::BeginsWith(500, "1"), true, nginx),
            (Act::BeginsWith(500, "1"), false, nginx),
            (Act::Cuts("1"), true, nginx),
            // The caller has the header, and leaves.
            (Act::Stalls("1"), false, true),
        ] {
            let [a, b] = pair().await;
            let peers = [&a, &b];
            b.does(act.clone());
            let group = upstream([a.server().down(), b.server()], |b| {
                b.sticky(Sticky::Learn(learn()))
                    .next_upstream(NextUpstream::HTTP_500)
                    .semantics(semantics)
            });
            let answer = group.send(get("")).await.unwrap();
            if all_of_it {
                let _ = answer.into_body().collect().await;
            } else {
                drop(answer);
            }
            let members = group.group().members();
            // A is back and B drains, without a past.
            members
                .set(vec![a.server(), b.server().max_fails(0)])
                .unwrap();
            b.does(Act::Answers);
            let found = is_known(&group, &peers, "1").await;
            assert_eq!(found, known, "{act:?}, {semantics:?}");
        }
    }
}

#[tokio::test]
async fn what_moved_on_teaches_nothing() {
    for act in [Act::BeginsWith(500, "1"), Act::BeginsWith(404, "1")] {
        for header in [false, true] {
            let [a, b] = pair().await;
            let peers = [&a, &b];
            let listed = NextUpstream::HTTP_500 | NextUpstream::HTTP_404;
            let learn = StickyLearn { header, ..learn() };
            let shop = upstream([a.server().backup(), b.server()], |b| {
                b.sticky(Sticky::Learn(learn)).next_upstream(listed)
            });
            b.does(act.clone());
            assert_eq!(ends(&shop, &peers, &[""]).await, "B, A");
            shop.group()
                .members()
                .set(vec![a.server(), b.server()])
                .unwrap();
            b.does(Act::Answers);
            assert!(!is_known(&shop, &peers, "1").await, "{act:?}");
        }
    }
}

/// Under Strict the last answer is handed out although it counted as a failure (NL-1).
#[tokio::test]
async fn an_answer_for_want_of_a_better_one_teaches_nothing() {
    for header in [false, true] {
        let [a, b] = pair().await;
        let peers = [&a, &b];
        let learn = StickyLearn { header, ..learn() };
        let shop = upstream([a.server(), b.server()], |b| {
            b.sticky(Sticky::Learn(learn))
                .next_upstream(NextUpstream::ERROR | NextUpstream::HTTP_500)
                .semantics(Semantics::Strict)
        });
        a.does(Act::Closes);
        b.does(Act::Status(500));
        assert_eq!(
            ends(&shop, &peers, &[""]).await,
            "500 [A, B]",
            "A is banned"
        );
        b.does(Act::BeginsWith(500, "1"));
        assert_eq!(ends(&shop, &peers, &[""]).await, "500 [B]");
        peers.iter().for_each(|told| told.does(Act::Answers));
        let servers = [&a, &b].map(|told| told.server().max_fails(0));
        shop.group().members().set(servers.into()).unwrap();
        assert!(!is_known(&shop, &peers, "1").await);
    }
}

#[tokio::test]
async fn with_header_the_header_is_enough() {
    for header in [false, true] {
        let [a, b] = pair().await;
        let peers = [&a, &b];
        let shop = shop(&peers, StickyLearn { header, ..learn() });
        b.does(Act::Stalls("1"));
        assert_eq!(ends(&shop, &peers, &[""]).await, "A");
        let answer = shop.send(get("")).await.unwrap();
        b.does(Act::Answers);
        assert_eq!(is_known(&shop, &peers, "1").await, header);
        drop(answer);
        assert!(is_known(&shop, &peers, "1").await);
    }
}
