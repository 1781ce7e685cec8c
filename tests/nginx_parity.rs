//! The same scenario on nginx and on our gateway must come to the same.

mod support;

use support::matrix;
use support::run::{Report, play};
use support::text;

/// Section 13 of the reference, in the text form of scenarios.
const TRACES: [&str; 3] = [
    include_str!("support/traces/failures.txt"),
    include_str!("support/traces/retries.txt"),
    include_str!("support/traces/keepalive.txt"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worked_traces_come_out_as_written() {
    let scenarios = TRACES
        .iter()
        .flat_map(|text| text::parse(text).expect("traces that can be read"))
        .chain(matrix::scenarios())
        .collect();
    let reports = play(scenarios).await;
    let wrong: Vec<String> = reports
        .iter()
        .filter(|r| !as_written(r))
        .map(Report::describe)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} traces differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Whether both sides agree and what is known to come back came back.
fn as_written(report: &Report) -> bool {
    let expected = |side: usize| {
        let outcomes = report.sides[side].iter();
        report
            .scenario
            .requests()
            .zip(outcomes)
            .all(|(request, outcome)| request.expect.as_ref().is_none_or(|e| outcome.is(e)))
    };
    report.agrees() && expected(0) && expected(1)
}
