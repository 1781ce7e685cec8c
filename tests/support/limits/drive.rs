//! Sends every request when it is due, and holds what came of it against the rule.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep_until};

use super::JITTER;
use super::read::limits;
use super::rule::{Verdict, judge};
use crate::support::answer;
use crate::support::backend::Backend;
use crate::support::client::exchange;
use crate::support::drive::{Run, on_the_wall};
use crate::support::outcome::Outcome;
use crate::support::scenario::Scenario;
use crate::support::script::Script;
use crate::support::side::Side;

/// Times are logged in whole milliseconds of one clock and counted by another, which nginx takes to be
/// one that ticks every four.
const CLOCKS: u64 = 6;
/// What a busy machine adds to a wait.
const BUSY: u64 = 60;

/// Plays the scenario that has this index in the configuration, offset 0 being at `start`.
pub(crate) async fn drive(scenario: &Scenario, index: usize, side: Side, start: Instant) -> Run {
    let mut backends = Vec::new();
    for letter in scenario.peers() {
        let mut backend = Backend::new(letter, side.peer(scenario, index, letter), false);
        let mut scripts = scenario.steps.iter().flat_map(|step| &step.peers);
        let script = scripts.find(|(l, _)| *l == letter).map(|(_, s)| s.clone());
        let script = script.unwrap_or_else(|| Script::always(answer::ok()));
        backend.play(&script).await;
        backends.push((letter, backend));
    }
    let mut clients = Vec::new();
    for step in &scenario.steps {
        for request in &step.requests {
            let path = format!("/{}/{}", scenario.path(), clients.len());
            let due = start + Duration::from_millis(step.at);
            let request = request.clone();
            clients.push(tokio::spawn(async move {
                sleep_until(due).await;
                exchange(side.front(), &path, &request).await
            }));
        }
    }
    let mut exchanges = Vec::new();
    for client in clients {
        exchanges.push(client.await.expect("a client that does not panic"));
    }
    let seen = backends.iter().map(|(l, backend)| (*l, backend.seen()));
    let run = Run {
        exchanges,
        seen: seen.collect(),
        began: on_the_wall(start),
        disturbed: None,
    };
    for (_, mut backend) in backends {
        backend.play(&Script::Refuse).await;
    }
    run
}

/// What backends saw, whoever was first.
pub(crate) fn seen(run: &Run) -> Vec<String> {
    let requests = |(letter, seen): &(char, Vec<_>)| {
        let name = |seen: &crate::support::backend::Seen| format!("{letter} {}", seen.request);
        seen.iter().map(name).collect::<Vec<_>>()
    };
    let mut all: Vec<String> = run.seen.iter().flat_map(requests).collect();
    all.sort();
    all
}

/// Whether a request came when it may have meant another thing.
pub(crate) fn disturbed(
    scenario: &Scenario,
    began: SystemTime,
    outcomes: &[Outcome],
) -> Option<String> {
    if scenario.zones.is_empty() {
        return None;
    }
    let began = began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let began = u64::try_from(began.as_millis()).unwrap_or_default();
    let limits = limits(scenario);
    let verdicts = judged(scenario, outcomes);
    let due = scenario
        .steps
        .iter()
        .flat_map(|s| s.requests.iter().map(|_| s.at));
    due.zip(outcomes)
        .zip(verdicts)
        .find_map(|((due, outcome), verdict)| {
            let late = outcome.arrived.saturating_sub(began + due);
            let longer = outcome.served.saturating_sub(verdict.served(&limits));
            if late > JITTER {
                return Some(format!("the request at {due} came {late} ms late"));
            }
            // What ends later than it should is counted longer than it should be.
            let counted = !limits.connections.is_empty() && late + longer > JITTER;
            let slow = outcome.served > 0 && (counted || longer > BUSY);
            slow.then(|| format!("the request at {due} took {longer} ms longer"))
        })
}

/// What the rule makes of the arrivals as they were.
fn judged(scenario: &Scenario, outcomes: &[Outcome]) -> Vec<Verdict> {
    let mut arrivals: Vec<_> = scenario.requests().zip(outcomes).enumerate().collect();
    arrivals.sort_by_key(|(_, (_, outcome))| outcome.arrived);
    let times: Vec<_> = arrivals
        .iter()
        .map(|(_, (request, outcome))| (outcome.arrived, *request))
        .collect();
    let verdicts = judge(&limits(scenario), &times);
    let mut placed: Vec<_> = arrivals
        .iter()
        .map(|(place, _)| *place)
        .zip(verdicts)
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, verdict)| verdict).collect()
}

/// How outcomes are not what the rule makes of the times at which the server saw the requests.
pub(crate) fn breach(scenario: &Scenario, outcomes: &[Outcome]) -> Option<String> {
    if scenario.zones.is_empty() {
        return None;
    }
    let limits = limits(scenario);
    let verdicts = judged(scenario, outcomes);
    outcomes
        .iter()
        .zip(verdicts)
        .enumerate()
        .find_map(|(number, (outcome, verdict))| {
            let served = verdict.served(&limits);
            let fits = outcome.limits == verdict.words
                && outcome.served + CLOCKS >= served
                && outcome.served <= served + BUSY;
            let notation = verdict.notation(&limits);
            (!fits).then(|| {
                format!(
                    "{number} is {outcome} +{}, by the rule {notation}",
                    outcome.served
                )
            })
        })
}
