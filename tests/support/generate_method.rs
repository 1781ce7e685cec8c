//! How peers are chosen in random scenarios: only by methods whose choice is certain.

use super::random::Random;
use super::scenario::Scenario;

/// What `hash` may go by; each of them has an empty value somewhere.
const KEYS: [&str; 6] = [
    "$arg_k",
    "$http_x_key",
    "$arg_k$http_x_key",
    "$remote_addr",
    "$binary_remote_addr",
    "$uri",
];

const CLIENTS: [&str; 8] = [
    "10.0.0.1",
    "10.0.0.200",
    "10.0.1.1",
    "192.168.2.1",
    "172.16.5.9",
    "2001:db8::1",
    "::1",
    "fe80::1",
];

const WORDS: [&str; 8] = ["a", "b", "c", "foo", "bar", "baz", "user42", "-"];

/// Adds a method, or leaves it at round robin.
pub(super) fn draw(random: &mut Random, scenario: &mut Scenario) {
    let method = random.weighted(&[
        (38, ""),
        (20, "least_conn"),
        (16, "hash"),
        (13, "consistent"),
        (13, "ip_hash"),
    ]);
    let key = random.pick(&KEYS);
    let line = match method {
        "" => return,
        "hash" => format!("hash {key};"),
        "consistent" => format!("hash {key} consistent;"),
        plain => format!("{plain};"),
    };
    let mut lines = scenario.upstream.iter();
    // Backups may only stand before what does not support them (CF-6), and the cache behind what it
    // wraps.
    let backup = |line: &String| line.contains(" backup") || line.starts_with("keepalive ");
    let first = match method {
        "least_conn" => lines.rposition(|line| line.starts_with("keepalive ")),
        _ => lines.rposition(backup),
    };
    let first = first.map_or(0, |place| place + 1);
    let place = first + random.index(scenario.upstream.len() + 1 - first);
    scenario.upstream.insert(place, line);
}

/// Gives requests the keys and addresses that the method asks for: few, so that they come again.
pub(super) fn say_where(random: &mut Random, scenario: &mut Scenario) {
    let asks = |word: &str| scenario.upstream.iter().any(|line| line.contains(word));
    let key = asks("$arg_k") || asks("$http_x_key");
    let client = asks("ip_hash") || asks("_addr");
    let (first, span) = (random.below(8), 1 + random.below(8));
    let drawn = |random: &mut Random| (first + random.below(span)) as usize % 8;
    for request in scenario.steps.iter_mut().flat_map(|s| &mut s.requests) {
        if key && random.chance(92) {
            request.key = Some(WORDS[drawn(random)].to_owned());
        }
        if client && random.chance(92) {
            request.client = CLIENTS[drawn(random)].parse().ok();
        }
    }
}
