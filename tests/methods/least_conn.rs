use tower_upstream::balance::Method;

use super::group::{Group, nothing};

/// The attempts of requests that all go on.
fn held(servers: &str, count: usize) -> String {
    let mut group = Group::new(Method::LeastConn, servers);
    let held = (0..count).map(|_| {
        let peer = group.hold(nothing());
        peer.map_or("u".into(), |peer| group.letter(peer).to_string())
    });
    held.collect::<Vec<_>>().join(" ")
}

/// W17 (LC-3).
#[test]
fn who_is_idle_is_taken_in_turn() {
    for (servers, expected) in [
        ("A weight=2; B; C", "A B C A A B C A"),
        ("A weight=3; B", "A A B A A A B A"),
    ] {
        let mut group = Group::new(Method::LeastConn, servers);
        assert_eq!(group.requests(nothing(), 8), expected, "{servers}");
    }
}

/// W17 (LC-4).
#[test]
fn held_requests_are_spread_by_weight() {
    for (servers, expected) in [
        ("A; B; C", "A B C C B A A B"),
        ("A weight=2; B; C", "A B C A C A B A"),
        ("A weight=3; B", "A B A A A B A A"),
    ] {
        assert_eq!(held(servers, 8), expected, "{servers}");
    }
}

/// LC-5.
#[test]
fn backups_have_the_same_method() {
    let servers = "A max_conns=1; B backup; C backup";
    assert_eq!(held(servers, 5), "A B C C B");
    assert_eq!(held("A max_conns=1; B backup max_conns=1", 3), "A B u");
}
