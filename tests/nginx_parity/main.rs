//! The same scenario on nginx and on our gateway must come to the same.
//!
//! nginx is the one in `NGINX_BIN`, else the one in PATH. `PARITY_SCENARIOS` and `PARITY_SEED`
//! say how many random scenarios are played and which comes first; `PARITY_REPLAY` names a file
//! of scenarios to play instead. `PARITY_AGAINST=nginx` compares nginx with itself, which tests
//! the test.

#[path = "../support/mod.rs"]
mod support;

use std::str::FromStr;
use std::{env, fs};

use support::run::{Report, play};
use support::scenario::Scenario;
use support::{differs, generate, h2, limits, matrix, text};

/// Sections 7 and 13 of the reference, in the text form of scenarios.
const TRACES: [&str; 4] = [
    include_str!("../support/traces/failures.txt"),
    include_str!("../support/traces/retries.txt"),
    include_str!("../support/traces/keepalive.txt"),
    include_str!("../support/traces/methods.txt"),
];

/// gRPC: section 10 of the reference.
const CALLS: &str = include_str!("../support/traces/calls.txt");

/// W18, W19 and what else the reference says of limits.
const LIMITS: &str = include_str!("../support/traces/limits.txt");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worked_traces_come_out_as_written() {
    let traces = TRACES
        .iter()
        .flat_map(|text| text::parse(text).expect("readable traces"));
    by_the_rule(play(traces.chain(matrix::scenarios()).collect()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_scenarios_come_to_the_same() {
    let reports = play(drawn(250, generate::scenario)).await;
    complain(
        reports.iter().filter(|report| !report.agrees()),
        reports.len(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_come_out_as_written_and_by_the_rule() {
    let traces = text::parse(LIMITS).expect("readable traces");
    by_the_rule(play(traces).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_limits_come_out_by_the_rule() {
    by_the_rule(play(drawn(80, limits::scenario)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_come_out_as_written() {
    let calls = text::parse(CALLS).expect("readable traces");
    by_the_rule(play(calls.into_iter().chain(h2::table::scenarios()).collect()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_calls_come_to_the_same() {
    by_the_rule(play(drawn(80, h2::scenario)).await);
}

/// The same on both sides, and what is known of it or what the rule says.
fn by_the_rule(reports: Vec<Report>) {
    let wrong = reports
        .iter()
        .filter(|report| !report.agrees() || !report.is_as_expected());
    complain(wrong, reports.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_peers_may_say_differs_only_as_the_guide_tells() {
    let reports = play(differs::scenarios()).await;
    let rows = reports.iter().zip(differs::ROWS);
    let wrong = rows.filter(|(report, row)| !report.is([row.nginx, row.ours]));
    complain(wrong.map(|(report, _)| report), reports.len());
}

#[test]
fn a_scenario_survives_its_text_form() {
    for seed in 0..2000 {
        let scenario = generate::scenario(seed);
        let read = text::parse(&scenario.to_string()).expect("a scenario that can be read");
        assert_eq!(read, [scenario]);
        for scenario in [limits::scenario(seed), h2::scenario(seed)] {
            let read = text::parse(&scenario.to_string()).expect("a scenario that can be read");
            assert_eq!(read, [scenario]);
        }
    }
}

/// Those to replay, or so many that are drawn if nobody says how many.
fn drawn(count: u64, scenario: fn(u64) -> Scenario) -> Vec<Scenario> {
    if let Ok(file) = env::var("PARITY_REPLAY") {
        let text = fs::read_to_string(&file).unwrap_or_else(|why| panic!("{file}: {why}"));
        return text::parse(&text).unwrap_or_else(|why| panic!("{file}: {why}"));
    }
    let first: u64 = number("PARITY_SEED", 1);
    let count = number("PARITY_SCENARIOS", count);
    (first..first + count).map(scenario).collect()
}

fn complain<'a>(wrong: impl Iterator<Item = &'a Report>, total: usize) {
    let wrong: Vec<String> = wrong.map(Report::describe).collect();
    assert!(
        wrong.is_empty(),
        "{} of {total} scenarios differ:\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn number<N: FromStr>(variable: &str, otherwise: N) -> N {
    match env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => otherwise,
    }
}
