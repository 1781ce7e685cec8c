use tower_upstream::balance::{Affinity, Method};

use super::group::{Group, client, nothing};

/// 13.3: client, then its peer with weights 1,1,1, with 2,1,1 and with B down; whom it asks when A
/// refuses.
const VECTORS: [(&str, &str, &str); 14] = [
    ("10.0.0.1", "AAA", "AB"),
    ("10.0.0.200", "AAA", "AB"),
    ("10.0.1.1", "BBC", "B"),
    ("10.0.2.1", "CCC", "C"),
    ("10.0.3.1", "AAA", "AB"),
    ("192.168.1.1", "BBC", "B"),
    ("192.168.2.1", "CCC", "C"),
    ("172.16.5.9", "BBC", "B"),
    ("8.8.8.8", "CCC", "C"),
    ("1.1.1.1", "AAA", "AC"),
    ("2001:db8::1", "CAC", "C"),
    ("2001:db8::2", "AAA", "AB"),
    ("::1", "CAC", "C"),
    ("fe80::1", "ACA", "AC"),
];

#[test]
fn clients_go_where_nginx_sends_them() {
    for (address, choices, refused) in VECTORS {
        let groups = ["A; B; C", "A weight=2; B; C", "A; B down; C"];
        let choice = |servers: &str| Group::new(Method::IpHash, servers).request(client(address));
        assert_eq!(groups.map(choice).concat(), choices, "{address}");
        let mut group = Group::new(Method::IpHash, "A; B; C");
        group.refusing = "A";
        assert_eq!(group.request(client(address)), refused, "{address}");
    }
}

/// IP-1: three zero bytes, all in one place.
#[test]
fn who_has_no_address_is_one_client() {
    let mut group = Group::new(Method::IpHash, "A; B; C");
    let asked = group.requests(nothing(), 3);
    let zero = group.request(client("0.0.0.9"));
    assert_eq!(asked, [&*zero; 3].join(" "));
}

/// IP-3, IP-4.
#[test]
fn one_primary_goes_in_turn_and_a_mapped_address_is_an_ipv6_one() {
    let mut group = Group::new(Method::IpHash, "A; B backup");
    assert_eq!(group.request(client("10.0.1.1")), "A");
    let mapped = "::ffff:10.0.0.1".parse().expect("an address");
    let affinity = Affinity {
        client: Some(mapped),
        ..Affinity::default()
    };
    // All 16 bytes count, as for a listener on `[::]`.
    let mut h = 89u32;
    for byte in [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1] {
        h = (h * 113 + byte) % 6271;
    }
    let expected = ["A", "B", "C"][h as usize % 3];
    assert_eq!(
        Group::new(Method::IpHash, "A; B; C").request(affinity),
        expected
    );
}
