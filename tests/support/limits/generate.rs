//! Random limits and arrivals whose outcome is certain: no arrival is so near to an edge that being
//! late would change what comes of it, or of another.

use std::net::{IpAddr, Ipv4Addr};

use super::JITTER;
use super::read::limits;
use super::rule::judge;
use crate::support::random::Random;
use crate::support::scenario::{Request, Scenario, Step};
use crate::support::script::Script;

/// Two moments so far apart stay in their order.
const APART: u64 = JITTER + 20;

/// The scenario of this seed.
pub(crate) fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let mut scenario = Scenario {
        name: format!("seed-{seed} limits"),
        start: 100 + 200 * random.below(5),
        upstream: vec!["server A;".to_owned()],
        zones: Vec::new(),
        location: Vec::new(),
        steps: Vec::new(),
    };
    let (rates, connections) = random.weighted(&[
        (30, (1, 0)),
        (15, (2, 0)),
        (20, (0, 1)),
        (10, (0, 2)),
        (15, (1, 1)),
        (5, (2, 1)),
        (5, (1, 2)),
    ]);
    for name in ["a", "b"].into_iter().take(rates) {
        rate(&mut random, &mut scenario, name);
    }
    for name in ["c", "d"].into_iter().take(connections) {
        let key = key(&mut random);
        scenario
            .zones
            .push(format!("limit_conn_zone {key} zone={name}:64k;"));
        let most = 1 + random.below(3);
        scenario.location.push(format!("limit_conn {name} {most};"));
    }
    for kind in ["limit_req", "limit_conn"] {
        if random.chance(15) {
            scenario.location.push(format!("{kind}_dry_run on;"));
        }
        if random.chance(25) {
            let status = random.pick(&[429, 503, 509, 403, 599]);
            scenario.location.push(format!("{kind}_status {status};"));
        }
    }
    let most = if connections > 0 {
        &[300, 400, 700, 1100][..]
    } else {
        &[0, 0, 200]
    };
    let after = random.pick(most);
    let reply = if after > 0 {
        format!("200+{after}")
    } else {
        "200".to_owned()
    };
    let script = Script::parse(&reply).expect("a reply that can be read");
    arrivals(&mut random, &mut scenario, script);
    scenario
}

fn key(random: &mut Random) -> &'static str {
    random.weighted(&[
        (60, "$arg_k"),
        (15, "$binary_remote_addr"),
        (10, "$arg_k$binary_remote_addr"),
        (15, "$host"),
    ])
}

fn rate(random: &mut Random, scenario: &mut Scenario, name: &str) {
    let (key, rate) = (
        key(random),
        random.pick(&[
            "1r/s", "2r/s", "3r/s", "4r/s", "5r/s", "8r/s", "100r/m", "150r/m", "250r/m",
        ]),
    );
    scenario
        .zones
        .push(format!("limit_req_zone {key} zone={name}:64k rate={rate};"));
    let mut line = format!("limit_req zone={name}");
    let burst = random.below(5);
    if burst > 0 {
        line += &format!(" burst={burst}");
        line += &match random.below(3) {
            0 => " nodelay".to_owned(),
            1 => format!(" delay={}", 1 + random.below(burst)),
            _ => String::new(),
        };
    }
    scenario.location.push(line + ";");
}

/// Draws arrivals one after the other; one that would leave something to chance is drawn again.
fn arrivals(random: &mut Random, scenario: &mut Scenario, script: Script) {
    let keys = 1 + random.below(3);
    let clients = 1 + random.below(2);
    let mut script = Some(('A', script));
    let mut at = 0;
    for _ in 0..8 + random.below(8) {
        for _ in 0..30 {
            let request = request(random, keys, clients);
            let (from, more) = random.weighted(&[(40, (5, 5)), (40, (10, 15)), (20, (25, 80))]);
            let gap = 10 * (from + random.below(more));
            scenario.steps.push(Step {
                at: at + gap,
                peers: script.clone().into_iter().collect(),
                requests: vec![request],
            });
            if is_certain(scenario) {
                at += gap;
                script = None;
                break;
            }
            scenario.steps.pop();
        }
    }
    let limits = limits(scenario);
    let verdicts = judge(&limits, &times(scenario));
    for (step, verdict) in scenario.steps.iter_mut().zip(verdicts) {
        step.requests[0].expect = Some(verdict.notation(&limits));
    }
}

fn request(random: &mut Random, keys: u64, clients: u64) -> Request {
    let host = u8::try_from(1 + random.below(clients)).unwrap_or(1);
    Request {
        method: "GET".to_owned(),
        idle: random.chance(20),
        key: (!random.chance(8)).then(|| random.below(keys).to_string()),
        client: (host > 1).then_some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))),
        ..Request::default()
    }
}

fn is_certain(scenario: &Scenario) -> bool {
    let verdicts = judge(&limits(scenario), &times(scenario));
    verdicts.iter().all(|verdict| verdict.margin >= APART)
}

fn times(scenario: &Scenario) -> Vec<(u64, &Request)> {
    let steps = scenario.steps.iter();
    steps
        .flat_map(|step| step.requests.iter().map(|request| (step.at, request)))
        .collect()
}
