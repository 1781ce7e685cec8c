use tower_upstream::balance::Method;

use super::group::{Group, key, nothing};

/// 13.3: key, then the choice of `hash` with weights 1,1,1, with 3,2,1 and with B down, and the same
/// of `hash ... consistent`.
const VECTORS: [(&str, &str, &str); 13] = [
    ("a", "CCC", "BBC"),
    ("b", "AAA", "AAA"),
    ("c", "CCC", "BBA"),
    ("d", "CCC", "CAC"),
    ("e", "CAC", "CAC"),
    ("f", "CCC", "CAC"),
    ("g", "AAA", "CCC"),
    ("h", "BAA", "BBC"),
    ("foo", "BAA", "CCC"),
    ("bar", "BAC", "CAC"),
    ("baz", "AAA", "CCC"),
    ("/index.html", "CAC", "CCC"),
    ("user42", "ABA", "AAA"),
];

const GROUPS: [&str; 3] = ["A; B; C", "A weight=3; B weight=2; C", "A; B down; C"];

fn choices(method: Method, text: &str) -> String {
    let choice = |servers: &&str| Group::new(method, servers).request(key(text));
    GROUPS.iter().map(choice).collect()
}

#[test]
fn keys_go_where_nginx_sends_them() {
    for (text, hash, consistent) in VECTORS {
        assert_eq!(choices(Method::Hash, text), hash, "hash of {text}");
        let ring = choices(Method::ConsistentHash, text);
        assert_eq!(ring, consistent, "consistent hash of {text}");
    }
}

/// 13.3, "A refuses, all max_fails=0".
#[test]
fn a_retry_goes_on_where_the_key_left_off() {
    for (method, text, expected) in [
        (Method::Hash, "b", "AC"),
        (Method::Hash, "g", "AB"),
        (Method::Hash, "baz", "AB"),
        (Method::Hash, "user42", "AC"),
        (Method::ConsistentHash, "b", "AB"),
        (Method::ConsistentHash, "user42", "AB"),
    ] {
        let mut group = Group::new(method, "A max_fails=0; B max_fails=0; C max_fails=0");
        group.refusing = "A";
        // The sequence is the request's, so the next request walks it again.
        for _ in 0..2 {
            assert_eq!(group.request(key(text)), expected, "{method:?} {text}");
        }
    }
}

/// HS-4, CH-5.
#[test]
fn an_empty_key_is_none_and_goes_in_turn() {
    for method in [Method::Hash, Method::ConsistentHash] {
        let mut group = Group::new(method, "A; B weight=2; C");
        assert_eq!(group.requests(key(""), 4), "B A C B", "{method:?}");
        let mut group = Group::new(method, "A; B; C");
        assert_eq!(group.requests(nothing(), 4), "A B C A", "{method:?}");
    }
}

/// HS-5: the last row of 13.3.
#[test]
fn a_backup_is_for_keys_of_nobody() {
    for method in [Method::Hash, Method::ConsistentHash] {
        let mut group = Group::new(method, "A; B; C backup");
        group.refusing = "AB";
        let texts = VECTORS.map(|(text, ..)| text);
        let first = texts.iter().copied().find(|text| {
            let mut alone = Group::new(method, "A; B; C backup");
            alone.request(key(text)) == "B"
        });
        assert_eq!(group.request(key(first.expect("some are B's"))), "BAC");
        for text in texts {
            assert_eq!(group.request(key(text)), "C", "{method:?} {text}");
        }
    }
}
