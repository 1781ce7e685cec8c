//! Callers who know better, or who change requests before they send them.

use http::header::COOKIE;
use tower_upstream::balance::{Affinity, Route};
use tower_upstream::{Sticky, StickyCookie, StickyLearn};

use super::{Act, ends, get, send, told};
use crate::peer::upstream;

#[tokio::test]
async fn the_caller_s_own_route_comes_first() {
    let (a, b) = (told().await, told().await);
    for sticky in [
        Sticky::Cookie(StickyCookie::new("srv")),
        Sticky::Route(vec!["$cookie_srv".into()]),
        Sticky::Route(Vec::new()),
    ] {
        let servers = [a.server().route("a"), b.server().route("b")];
        let shop = upstream(servers, |b| b.sticky(sticky));
        let mut request = get("srv=a");
        let affinity = Affinity {
            route: Route::new("b"),
            ..Affinity::default()
        };
        request.extensions_mut().insert(affinity);
        assert_eq!(send(&shop, &[&a, &b], request).await.end, "200 [B]");
    }
}

#[tokio::test]
async fn a_route_names_a_server_and_no_cookie_is_set() {
    let (a, b) = (told().await, told().await);
    let sticky = Sticky::Route(vec!["$cookie_r".into(), "$arg_r".into()]);
    let servers = [a.server(), b.server().route("b")];
    let shop = upstream(servers, |b| b.sticky(sticky));
    let peers = [&a, &b];
    for (uri, cookie, end) in [
        ("/", "r=b", "200 [B]"),
        ("/?r=b", "", "200 [B]"),
        ("/?r=b", &format!("r={}", a.id()), "200 [A]"),
        ("/?R=b", "r=", "200 [B]"),
    ] {
        let mut request = get(cookie);
        *request.uri_mut() = uri.parse().unwrap();
        let seen = send(&shop, &peers, request).await;
        assert_eq!((seen.end.as_str(), seen.cookies.len()), (end, 0), "{uri}");
    }
}

#[tokio::test]
async fn a_visit_is_what_the_request_was() {
    let (a, b) = (told().await, told().await);
    b.does(Act::Begins("1"));
    for (sticky, begun) in [
        (Sticky::Cookie(StickyCookie::new("srv")), "srv=b"),
        (
            Sticky::Learn(StickyLearn::new("$upstream_cookie_s", "$cookie_s")),
            "s=1",
        ),
    ] {
        let servers = [a.server(), b.server().route("b")];
        let shop = upstream(servers, |b| b.sticky(sticky));
        let peers = [&a, &b];
        assert_eq!(ends(&shop, &peers, &["", ""]).await, "A B");
        for _ in 0..3 {
            let mut request = get(begun);
            let visit = shop.group().visit(request.uri(), request.headers());
            request.headers_mut().remove(COOKIE);
            request.extensions_mut().insert(visit.unwrap());
            assert_eq!(send(&shop, &peers, request).await.end, "200 [B]", "{begun}");
        }
    }
    let plain = upstream([a.server()], |b| b);
    let request = get("srv=b");
    assert!(
        plain
            .group()
            .visit(request.uri(), request.headers())
            .is_none()
    );
}

#[tokio::test]
async fn a_location_changes_what_a_server_sees_and_not_where_it_is() {
    let (a, b) = (told().await, told().await);
    for sticky in [
        "cookie srv",
        "route $cookie_srv",
        "learn create=$cookie_srv lookup=$arg_id zone=z:1m",
    ] {
        let text = format!(
            "upstream shop {{ sticky {sticky}; server {}; server {} route=b; }}
             server {{ location /api/ {{
                 proxy_pass http://shop/; proxy_set_header Cookie \"\";
             }} }}",
            a.peer.address, b.peer.address
        );
        let shop = tower_upstream::Upstream::from_nginx(&text, "/api/").unwrap();
        let peers = [&a, &b];
        let ask = async |uri: &str| {
            let mut request = get("srv=b");
            *request.uri_mut() = uri.parse().unwrap();
            send(&shop, &peers, request).await.end
        };
        if sticky.starts_with("learn") {
            assert_eq!(ask("/api/").await, "200 [A]");
            assert_eq!(ask("/api/").await, "200 [B]", "the session has moved");
            assert_eq!(ask("/api/").await, "200 [A]");
            assert_eq!(ask("/api/?id=b").await, "200 [A]");
        } else {
            assert_eq!(ask("/api/").await, "200 [B]");
            assert_eq!(ask("/api/").await, "200 [B]");
        }
    }
}
