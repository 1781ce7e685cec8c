use tower_upstream::balance::{Method, Verdict};

use super::group::{Group, NOW, bound, nothing};

fn three(servers: &str) -> Group {
    Group::new(Method::RoundRobin, servers)
}

/// W20, W21 (SK-4): sticky requests are charged, until it is enough.
#[test]
fn bound_requests_take_no_ones_turn_for_ever() {
    let mut group = three("A; B; C");
    assert_eq!(group.requests(bound('A'), 5), "A A A A A");
    assert_eq!(group.requests(nothing(), 6), "B C A B C A");
    let mut group = three("A; B; C");
    assert_eq!(group.requests(nothing(), 3), "A B C");
}

/// W22, after the requests that fetched the cookies of A and B.
#[test]
fn who_is_bound_to_one_that_fails_goes_in_turn() {
    let mut group = three("A; B; C");
    assert_eq!(group.requests(nothing(), 2), "A B");
    group.refusing = "A";
    assert_eq!(group.request(bound('A')), "AC");
    assert_eq!(group.request(bound('A')), "C", "A is banned");
}

/// W23 (SK-3, SK-6).
#[test]
fn drained_peers_keep_who_is_theirs_and_downed_ones_do_not() {
    let mut group = three("A drain; B; C down");
    assert_eq!(group.requests(nothing(), 3), "B B B");
    assert_eq!(group.request(bound('A')), "A");
    assert_eq!(group.request(bound('C')), "B");
    group.refusing = "A";
    assert_eq!(group.request(bound('A')), "A", "it counts among no tries");
    assert_eq!(group.request(bound('A')), "B", "and is banned as any other");
}

/// SK-3.
#[test]
fn a_backup_is_bound_to_only_when_it_is_its_turn() {
    let mut group = three("A; B; C backup; D backup");
    assert_eq!(group.requests(bound('D'), 2), "A B");
    group.refusing = "AB";
    assert_eq!(group.request(bound('D')), "ABD");
    assert_eq!(group.request(bound('D')), "D", "no primary is left");
    let mut group = three("A max_conns=1; B");
    let held = group.hold(bound('A')).expect("it is free");
    assert_eq!(group.letter(held), 'A');
    assert_eq!(group.request(bound('A')), "B", "A is full");
    group.peers.release(held, Verdict::Ok, NOW);
    assert_eq!(group.request(bound('A')), "A");
}

/// SK-4, last sentence.
#[test]
fn every_method_lets_the_bound_have_their_peer() {
    for method in [
        Method::LeastConn,
        Method::Hash,
        Method::ConsistentHash,
        Method::IpHash,
        Method::Random,
        Method::RandomTwo,
        Method::PeakEwma,
    ] {
        let mut group = Group::new(method, "A; B drain; C");
        assert_eq!(group.requests(bound('B'), 3), "B B B", "{method:?}");
        assert!(!group.requests(nothing(), 9).contains('B'), "{method:?}");
    }
    let mut group = Group::new(Method::LeastConn, "A; B; C");
    group.requests(bound('A'), 5);
    assert_eq!(
        group.requests(nothing(), 3),
        "A B C",
        "weights are left alone"
    );
}
