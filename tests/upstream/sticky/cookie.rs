use http::header::COOKIE;
use http_body_util::Full;
use tower_upstream::{NextUpstream, Proxy, Semantics, Server, Sticky, StickyCookie, Upstream};

use super::{Act, Told, ends, get, send, told};
use crate::peer::{refusing, upstream};

fn sticky() -> Sticky {
    Sticky::Cookie(StickyCookie::new("srv"))
}

fn shop<const N: usize>(servers: [Server; N]) -> Upstream {
    upstream(servers, |b| b.sticky(sticky()))
}

fn named(told: &Told) -> String {
    format!("srv={}", told.id())
}

#[tokio::test]
async fn w20_newcomers_take_turns_and_are_told_where_they_were() {
    let (a, b, c) = (told().await, told().await, told().await);
    let shop = shop([a.server(), b.server().route("b"), c.server()]);
    let peers = [&a, &b, &c];
    for (end, cookie) in [
        ("200 [A]", named(&a)),
        ("200 [B]", "srv=b".into()),
        ("200 [C]", named(&c)),
    ] {
        let seen = send(&shop, &peers, get("")).await;
        assert_eq!((seen.end.as_str(), seen.cookies), (end, vec![cookie]));
    }
}

#[tokio::test]
async fn w21_sticky_requests_are_charged_for_in_the_round() {
    let (a, b, c) = (told().await, told().await, told().await);
    let shop = shop([a.server(), b.server(), c.server()]);
    let (peers, cookie) = ([&a, &b, &c], named(&a));
    assert_eq!(
        ends(&shop, &peers, &[cookie.as_str(); 5]).await,
        "A A A A A"
    );
    assert_eq!(ends(&shop, &peers, &[""; 6]).await, "B C A B C A");
}

#[tokio::test]
async fn w22_the_cookie_is_of_the_server_that_answered() {
    for post in [false, true] {
        let (a, b, c) = (refusing().await, told().await, told().await);
        let shop = shop([a.route("a"), b.server(), c.server().route("c")]);
        let ask = async || {
            let method = if post { "POST" } else { "GET" };
            let request = http::Request::builder().method(method);
            let body = Full::from("two of them");
            let request = request.header(COOKIE, "srv=a").body(body).unwrap();
            send(&shop, &[&b, &c], request).await
        };
        // Nothing was sent to A, so a POST moves on as well. B and C are the first two letters here.
        let seen = ask().await;
        assert_eq!(seen.end, "200 [u, A]", "A and then another");
        assert_eq!(seen.cookies, [named(&b)], "a retry replaces it (SK-5)");
        // A is banned: its requests go where anybody's go.
        let seen = ask().await;
        assert_eq!(
            (seen.end.as_str(), seen.cookies),
            ("200 [B]", vec!["srv=c".to_owned()])
        );
    }
}

#[tokio::test]
async fn w22_as_the_reference_has_it() {
    let (a, b, c) = (told().await, told().await, told().await);
    let shop = shop([a.server(), b.server(), c.server().route("c")]);
    let peers = [&a, &b, &c];
    // It was C's turn.
    assert_eq!(ends(&shop, &peers, &["", ""]).await, "A B");
    a.does(Act::Closes);
    let cookie = named(&a);
    let seen = send(&shop, &peers, get(&cookie)).await;
    assert_eq!(
        (seen.end.as_str(), seen.cookies),
        ("200 [A, C]", vec!["srv=c".to_owned()])
    );
    assert_eq!(ends(&shop, &peers, &[&cookie]).await, "C");
}

#[tokio::test]
async fn w23_one_that_drains_gets_only_those_that_belong_there() {
    let (a, b, c) = (told().await, told().await, told().await);
    let shop = shop([a.server().drain(), b.server(), c.server().down()]);
    let peers = [&a, &b, &c];
    let (to_a, to_c) = (named(&a), named(&c));
    assert_eq!(
        ends(&shop, &peers, &["", "", "", &to_a, &to_c]).await,
        "B B B A B"
    );
    a.does(Act::Closes);
    assert_eq!(
        ends(&shop, &peers, &[&to_a]).await,
        "502 [A]",
        "tries = 1 (TR-1)"
    );
}

#[tokio::test]
async fn draining_begins_and_ends_while_it_serves() {
    let (a, b) = (told().await, told().await);
    let shop = shop([a.server(), b.server()]);
    let (peers, to_a) = ([&a, &b], named(&a));
    let address = a.peer.address.to_string();
    let members = shop.group().members();
    assert!(members.drain(&address, true));
    assert_eq!(
        ends(&shop, &peers, &["", &to_a, "", &to_a]).await,
        "B A B A"
    );
    assert!(members.drain(&address, false));
    let all = ends(&shop, &peers, &["", "", "", ""]).await;
    assert_eq!(all.matches('A').count(), 2, "{all}");
}

#[tokio::test]
async fn a_backup_is_named_in_vain_while_a_primary_may_be_chosen() {
    let (a, b, c) = (told().await, told().await, told().await);
    let servers = [a.server(), b.server().backup(), c.server().backup()];
    let shop = shop(servers);
    let (peers, to_c) = ([&a, &b, &c], named(&c));
    assert_eq!(ends(&shop, &peers, &[&to_c]).await, "A", "SK-3");
    a.does(Act::Closes);
    assert_eq!(
        ends(&shop, &peers, &[&to_c, &to_c, &to_c]).await,
        "A, C C C"
    );
}

#[tokio::test]
async fn a_listed_status_moves_on_with_another_cookie() {
    let (a, b) = (told().await, told().await);
    let listed = NextUpstream::ERROR | NextUpstream::HTTP_404 | NextUpstream::HTTP_500;
    for (status, semantics) in [
        (404, Semantics::Nginx),
        (500, Semantics::Nginx),
        (500, Semantics::Strict),
    ] {
        a.does(Act::Status(status));
        let shop = upstream([a.server(), b.server()], |b| {
            b.sticky(sticky())
                .next_upstream(listed)
                .semantics(semantics)
        });
        let seen = send(&shop, &[&a, &b], get(&named(&a))).await;
        assert_eq!(
            (seen.end.as_str(), seen.cookies),
            ("200 [A, B]", vec![named(&b)])
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_the_last_has_its_cookie() {
    let (a, b) = (told().await, told().await);
    a.does(Act::Status(500));
    b.does(Act::Status(500));
    let shop = upstream([a.server(), b.server()], |b| {
        b.sticky(sticky())
            .next_upstream(NextUpstream::HTTP_500)
            .semantics(Semantics::Strict)
    });
    let peers = [&a, &b];
    // First the last try, then the last server: its attempt is settled when its answer is handed out
    // (NL-1).
    for end in ["500 [A, B]", "500 [B]"] {
        let seen = send(&shop, &peers, get("")).await;
        assert_eq!((seen.end.as_str(), seen.cookies), (end, vec![named(&b)]));
    }
}

#[tokio::test]
async fn servers_set_cookies_of_their_own() {
    let a = told().await;
    a.does(Act::Begins("1"));
    let shop = shop([a.server().route("a")]);
    let seen = send(&shop, &[&a], get("")).await;
    assert_eq!(seen.cookies, ["srv=a", "s=1; path=/"]);
}

#[tokio::test]
async fn of_two_attempts_at_once_the_cookie_is_that_of_the_answer() {
    let (a, b) = (told().await, told().await);
    let mut group = tower_upstream::GroupConfig::new("shop");
    group.servers = vec![a.server(), b.server()];
    group.sticky = Some(sticky());
    let group = tower_upstream::Group::new(group).unwrap();
    let proxy = Proxy {
        hedge: Some(tower_upstream::Hedge::default()),
        ..Proxy::default()
    };
    let shop = Upstream::new(group, proxy);
    let (peers, to_a) = ([&a, &b], named(&a));
    // It has to know what is slow.
    for _ in 0..40 {
        send(&shop, &peers, get(&to_a)).await;
    }
    a.does(Act::IsSilent);
    let seen = send(&shop, &peers, get(&to_a)).await;
    assert_eq!(
        (seen.end.as_str(), seen.cookies),
        ("200 [A, B]", vec![named(&b)])
    );
}
