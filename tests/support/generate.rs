//! Random scenarios whose outcome is certain.
//!
//! Everything that takes time takes a multiple of 200 ms, and offset 0 lies at an odd tenth of a
//! second. So whatever happens, happens 100 ms away from the second boundaries that NGINX counts
//! by. Requests follow one another; where they overlap (`crowd`), they start on that grid and end
//! between its points.
//!
//! Left out, because nginx itself answers in two ways: closing a connection right after a complete
//! response (KA-7 against KA-3), and an idle timeout within 300 ms of a read timeout (TB-3). Left out
//! too, because the guide tells a difference: a client that leaves a response that stalls, of which
//! NGINX has sent nothing yet.

use super::generate_method as method;
use super::random::Random;
use super::scenario::{Body, Request, Scenario, Step};
use super::script::{Reply, Script, Shape, What};

/// The scenario of this seed.
pub(crate) fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let (kind, make): (_, fn(&mut Random, &mut Scenario)) = random.weighted(&[
        (55, ("failures", failures as _)),
        (30, ("keepalive", keepalive as _)),
        (15, ("crowd", crowd as _)),
    ]);
    let mut scenario = Scenario {
        name: format!("seed-{seed} {kind}"),
        start: 100 + 200 * random.below(5),
        upstream: Vec::new(),
        zones: Vec::new(),
        location: Vec::new(),
        steps: Vec::new(),
    };
    make(&mut random, &mut scenario);
    if random.chance(10) {
        scenario.upstream.push(format!("zone z{seed} 64k;"));
    }
    method::say_where(&mut random, &mut scenario);
    scenario
}

fn failures(random: &mut Random, scenario: &mut Scenario) {
    servers(random, scenario, None);
    method::draw(random, scenario);
    retry_rules(random, scenario);
    if random.chance(30) {
        push(scenario, "proxy_http_version 1.1;");
    }
    let tastes = Tastes {
        abandons: random.chance(15),
        resets: random.chance(20),
        keepalive: false,
    };
    steps(random, scenario, tastes);
}

fn keepalive(random: &mut Random, scenario: &mut Scenario) {
    servers(random, scenario, None);
    // A method that follows `keepalive` takes its place (KA-14).
    let late = random.chance(8);
    if !late {
        method::draw(random, scenario);
    }
    let kept = random.weighted(&[(2, 1), (3, 2), (2, 3), (3, 8)]);
    scenario.upstream.push(format!("keepalive {kept};"));
    for line in [
        "keepalive_requests 2;",
        "keepalive_requests 3;",
        "keepalive_timeout 900ms;",
        "keepalive_time 500ms;",
    ] {
        let directive = line.split(' ').next().unwrap_or_default();
        if random.chance(15)
            && !scenario
                .upstream
                .iter()
                .any(|l| l.starts_with(&format!("{directive} ")))
        {
            scenario.upstream.push(line.to_owned());
        }
    }
    if late {
        method::draw(random, scenario);
    }
    retry_rules(random, scenario);
    push(scenario, "proxy_http_version 1.1;");
    push(scenario, "proxy_set_header Connection \"\";");
    let tastes = Tastes {
        abandons: random.chance(10),
        resets: false,
        keepalive: true,
    };
    steps(random, scenario, tastes);
}

/// Overlapping requests, most peers limited by `max_conns`.
fn crowd(random: &mut Random, scenario: &mut Scenario) {
    servers(random, scenario, Some(60));
    method::draw(random, scenario);
    retry_rules(random, scenario);
    push(scenario, "proxy_read_timeout 10s;");
    let mut first = Step::default();
    for letter in scenario.peers() {
        let reply = random.weighted(&[
            (50, "200+300"),
            (25, "200+500"),
            (10, "200"),
            (6, "close"),
            (5, "500"),
            (4, "refuse"),
        ]);
        first.peers.push((
            letter,
            Script::parse(reply).expect("a reply that can be read"),
        ));
    }
    for at in 0..6 + random.below(5) {
        let mut step = std::mem::take(&mut first);
        step.at = at * 200;
        for _ in 0..1 + random.below(2) {
            step.requests.push(Request {
                method: "GET".to_owned(),
                held: true,
                ..Request::default()
            });
        }
        scenario.steps.push(step);
    }
}

/// One to four `server` lines, the first a primary that is not down (so that there is one).
pub(super) fn servers(random: &mut Random, scenario: &mut Scenario, max_conns: Option<u64>) {
    let count = random.weighted(&[(15, 1), (40, 2), (30, 3), (15, 4)]);
    for letter in ('A'..='D').take(count) {
        // A line may stand there twice: two peers of one address (CF-2), one origin (CH-4).
        let named = match letter {
            'B' | 'D' if random.chance(6) => 'A',
            _ => letter,
        };
        let mut line = format!("server {named}");
        if random.chance(40) {
            line += &format!(" weight={}", 2 + random.below(4));
        }
        if random.chance(55) {
            line += &format!(" max_fails={}", random.below(4));
        }
        if random.chance(75) {
            line += &format!(" fail_timeout={}s", random.below(3));
        }
        if max_conns.is_some_and(|percent| random.chance(percent)) {
            line += &format!(" max_conns={}", 1 + random.below(2));
        }
        if letter > 'A' && random.chance(22) {
            line += " backup";
        }
        if letter > 'A' && random.chance(8) {
            line += " down";
        }
        scenario.upstream.push(line + ";");
    }
}

/// `proxy_next_upstream` and its company.
pub(super) fn retry_rules(random: &mut Random, scenario: &mut Scenario) {
    const KEYWORDS: [&str; 11] = [
        "error",
        "error",
        "timeout",
        "timeout",
        "invalid_header",
        "http_500",
        "http_502",
        "http_503",
        "http_404",
        "http_403",
        "http_429",
    ];
    let mut words: Vec<&str> = Vec::new();
    if random.chance(8) {
        words.push("off");
    }
    if random.chance(80) {
        for _ in 0..1 + random.below(7) {
            let word = random.pick(&KEYWORDS);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if random.chance(20) {
            words.push("non_idempotent");
        }
    }
    if !words.is_empty() {
        push(
            scenario,
            &format!("proxy_next_upstream {};", words.join(" ")),
        );
    }
    if random.chance(25) {
        push(
            scenario,
            &format!("proxy_next_upstream_tries {};", random.below(4)),
        );
    }
    if random.chance(20) {
        let limit = random.pick(&[300, 500, 700]);
        push(scenario, &format!("proxy_next_upstream_timeout {limit}ms;"));
    }
    if random.chance(15) {
        push(scenario, "proxy_buffering off;");
    }
    if random.chance(20) {
        push(scenario, "proxy_request_buffering off;");
    }
}

fn push(scenario: &mut Scenario, line: &str) {
    scenario.location.push(line.to_owned());
}

/// What a scenario has of the things that do not go together.
#[derive(Clone, Copy)]
struct Tastes {
    /// Clients leave after 200 ms; nothing else then happens 200 ms after a request.
    abandons: bool,
    /// Connections end when accepted, maybe before the request is sent, maybe after: no
    /// method for which that matters.
    resets: bool,
    /// Backends that grow tired of their connections.
    keepalive: bool,
}

fn steps(random: &mut Random, scenario: &mut Scenario, tastes: Tastes) {
    push(scenario, "proxy_connect_timeout 400ms;");
    push(scenario, "proxy_read_timeout 400ms;");
    let letters = scenario.peers();
    let mut at = 0;
    for number in 0..3 + random.below(4) {
        let mut step = Step {
            at,
            ..Step::default()
        };
        for letter in &letters {
            if random.chance(if number == 0 { 70 } else { 35 }) {
                step.peers.push((*letter, script(random, tastes)));
            }
        }
        for _ in 0..1 + random.below(4) {
            step.requests.push(request(random, tastes));
        }
        scenario.steps.push(step);
        at += random.pick(&[200, 400, 600, 800, 1000, 1400, 2000]);
    }
}

fn request(random: &mut Random, tastes: Tastes) -> Request {
    let mut method = random.weighted(&[
        (50, "GET"),
        (15, "POST"),
        (8, "PUT"),
        (7, "HEAD"),
        (6, "PATCH"),
        (5, "DELETE"),
        (4, "OPTIONS"),
        (3, "LOCK"),
        (2, "PROPFIND"),
    ]);
    if tastes.resets && matches!(method, "POST" | "PATCH" | "LOCK") {
        method = "PUT";
    }
    let takes_body = matches!(method, "POST" | "PUT" | "PATCH");
    let body = Body {
        length: random.pick(&[1, 10, 3000]),
        late: if random.chance(8) { 200 } else { 0 },
        chunked: random.chance(20),
    };
    let abandon = tastes.abandons && !takes_body && random.chance(25);
    Request {
        method: method.to_owned(),
        body: (takes_body && random.chance(80)).then_some(body),
        abandon: abandon.then_some(200),
        ..Request::default()
    }
}

fn script(random: &mut Random, tastes: Tastes) -> Script {
    match random.below(100) {
        0..14 => Script::Refuse,
        14..17 => Script::Deaf,
        17..42 => Script::always(ok()),
        _ => {
            let count = random.weighted(&[(5, 1), (2, 2), (2, 3), (1, 4)]);
            Script::Serve((0..count).map(|_| reply(random, tastes)).collect())
        }
    }
}

fn ok() -> What {
    What::Answer(200, Shape::Length)
}

fn reply(random: &mut Random, tastes: Tastes) -> Reply {
    let status = |status| What::Answer(status, Shape::Length);
    if tastes.keepalive && random.chance(50) {
        return Reply::from(random.weighted(&[
            (6, What::Stale),
            (2, What::StaleHang),
            (2, What::Answer(200, Shape::Chunked)),
            (2, What::Answer(404, Shape::Empty)),
            (1, What::Answer(403, Shape::Empty)),
            (1, What::Answer(204, Shape::Empty)),
            (1, What::Answer(304, Shape::Empty)),
        ]));
    }
    let what = random.weighted(&[
        (18, ok()),
        (10, What::Close),
        (5, What::Hang),
        (3, What::Partial),
        (4, What::Reset),
        (3, What::HangUp),
        (if tastes.resets { 8 } else { 0 }, What::ResetOnAccept),
        (if tastes.resets { 8 } else { 0 }, What::Drop),
        (2, What::Drip),
        (2, What::HugeHeader),
        (3, What::Malformed("nul-in-name")),
        (10, status(500)),
        (5, status(502)),
        (6, status(503)),
        (3, status(504)),
        (3, status(429)),
        (3, status(403)),
        (6, status(404)),
        (1, status(400)),
        (1, status(501)),
        (1, status(302)),
        (3, What::Answer(200, Shape::Chunked)),
        (3, What::Answer(200, Shape::Eof)),
        (3, What::Answer(200, Shape::Cut)),
        (2, What::Answer(200, Shape::ChunkedCut)),
        (
            if tastes.abandons { 0 } else { 2 },
            What::Answer(200, Shape::Stall),
        ),
    ]);
    let can_wait = matches!(
        what,
        What::Answer(_, Shape::Length | Shape::Chunked) | What::Close
    );
    let after = if can_wait && !tastes.abandons {
        random.weighted(&[(85, 0), (10, 200), (5, 600)])
    } else {
        0
    };
    Reply { what, after }
}
