//! Random gRPC scenarios, on the grid of the others.
//!
//! Left out: `interim`, which the guide tells a difference for; and where connections are kept, answers
//! that end with their header or before the request does, after which nginx may or may not keep the
//! connection: that depends on what it happens to read at once.

use super::{ACTS, CALL};
use crate::support::generate::{retry_rules, servers};
use crate::support::generate_method as method;
use crate::support::random::Random;
use crate::support::scenario::{Body, Request, Scenario, Step};
use crate::support::script::{Reply, Script, Shape, What};

/// The scenario of this seed.
pub(crate) fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ 0x6772_7063);
    let mut scenario = Scenario {
        name: format!("seed-{seed} grpc"),
        start: 100 + 200 * random.below(5),
        upstream: Vec::new(),
        zones: Vec::new(),
        location: Vec::new(),
        steps: Vec::new(),
    };
    servers(&mut random, &mut scenario, None);
    method::draw(&mut random, &mut scenario);
    let kept = random.chance(40);
    if kept {
        scenario.upstream.push("keepalive 4;".to_owned());
    }
    retry_rules(&mut random, &mut scenario);
    scenario
        .location
        .retain(|line| line.starts_with("proxy_next_upstream"));
    for line in &mut scenario.location {
        *line = line.replacen("proxy_", "grpc_", 1);
    }
    for line in [
        "grpc_pass;",
        "grpc_connect_timeout 400ms;",
        "grpc_read_timeout 400ms;",
    ] {
        scenario.location.push(line.to_owned());
    }
    let letters = scenario.peers();
    let mut at = 0;
    for number in 0..3 + random.below(4) {
        let mut step = Step {
            at,
            ..Step::default()
        };
        for letter in &letters {
            if random.chance(if number == 0 { 70 } else { 35 }) {
                step.peers.push((*letter, script(&mut random, kept)));
            }
        }
        for _ in 0..1 + random.below(4) {
            step.requests.push(request(&mut random));
        }
        scenario.steps.push(step);
        at += random.pick(&[200, 400, 600, 800, 1000, 1400, 2000]);
    }
    method::say_where(&mut random, &mut scenario);
    scenario
}

fn request(random: &mut Random) -> Request {
    let body = Body {
        length: random.pick(&[1, 10, 3000]),
        late: if random.chance(15) { 200 } else { 0 },
        chunked: false,
    };
    Request {
        method: CALL.to_owned(),
        body: (!random.chance(20)).then_some(body),
        ..Request::default()
    }
}

fn script(random: &mut Random, kept: bool) -> Script {
    match random.below(100) {
        0..14 => Script::Refuse,
        14..17 => Script::Deaf,
        17..40 => Script::always(What::Answer(200, Shape::Length)),
        _ => {
            let count = random.weighted(&[(5, 1), (2, 2), (2, 3), (1, 4)]);
            Script::Serve((0..count).map(|_| reply(random, kept)).collect())
        }
    }
}

fn reply(random: &mut Random, kept: bool) -> Reply {
    let mut acts = ACTS.to_vec();
    let by_chance = |act: &str| {
        ["only-", "early", "half-"]
            .iter()
            .any(|a| act.starts_with(a))
    };
    acts.retain(|act| *act != "interim" && !(kept && by_chance(act)));
    let act = random.pick(&acts);
    let status = random.pick(&[500, 502, 503, 504, 429, 403, 404, 302]);
    let what = random.weighted(&[
        (20, What::Answer(200, Shape::Length)),
        (
            if kept { 0 } else { 20 },
            What::Answer(status, Shape::Length),
        ),
        (8, What::Close),
        (5, What::Hang),
        (4, What::Reset),
        (3, What::HangUp),
        (60, What::Grpc(act)),
    ]);
    // nginx keeps a timer that would be moved by less than 300 ms (TB-3), so that a silence behind a late
    // header is over early.
    let waits = match what {
        What::Grpc(act) => act != "half-hang",
        _ => matches!(what, What::Answer(..) | What::Close),
    };
    let after = match waits {
        true => random.weighted(&[(85, 0), (10, 200), (5, 600)]),
        false => 0,
    };
    Reply { what, after }
}
