//! Runs scenarios on two sides at once and compares them request by request.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::{env, fs};

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::drive::{Run, drive, next_start};
use super::limits;
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::side::{Kind, Side};

/// A scenario whose timing was disturbed is played again, so many times at most, each time with
/// half as many beside it.
const ROUNDS: usize = 5;

/// Scenarios that are under way at the same time, unless `PARITY_WIDTH` says otherwise.
const WIDTH: usize = 32;

/// One scenario and what each side made of it.
pub(crate) struct Report {
    pub(crate) scenario: Scenario,
    pub(crate) sides: [Vec<Outcome>; 2],
    /// Per side and peer, `CONNECTION.TURN METHOD PATH` of what the backend saw.
    pub(crate) seen: [Vec<String>; 2],
    disturbed: Option<String>,
}

/// The two sides: nginx, and our gateway (or with `PARITY_AGAINST=nginx` another nginx, which
/// tests the harness itself).
pub(crate) fn kinds() -> [Kind; 2] {
    match env::var("PARITY_AGAINST").as_deref() {
        Ok("nginx") => [Kind::Nginx, Kind::Nginx],
        _ => [Kind::Nginx, Kind::Gateway],
    }
}

/// A scenario that was drawn starts from another fraction of a second the next time: what takes long
/// may have drifted into a second boundary by itself. Written ones start where they say.
fn later(mut scenario: Scenario) -> Scenario {
    if scenario.name.starts_with("seed-") {
        scenario.start = (scenario.start + 200) % 1000;
    }
    scenario
}

/// Plays all scenarios on both sides.
///
/// # Panics
///
/// When the machine is too busy to keep the timing of a scenario.
pub(crate) async fn play(scenarios: Vec<Scenario>) -> Vec<Report> {
    // Tests of this binary take turns: side by side they would spoil each other's timing.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    let total = scenarios.len();
    let mut todo: Vec<(usize, Scenario)> = scenarios.into_iter().enumerate().collect();
    let mut reports = Vec::new();
    let mut reasons = Vec::new();
    for again in 0..ROUNDS {
        let (order, batch): (Vec<usize>, Vec<Scenario>) = todo.drain(..).unzip();
        reasons.clear();
        for (place, report) in order.into_iter().zip(round(batch, width() >> again).await) {
            match &report.disturbed {
                Some(why) => {
                    reasons.push(format!("{}: {why}", report.scenario.name));
                    todo.push((place, later(report.scenario)));
                }
                None => reports.push((place, report)),
            }
        }
        if todo.is_empty() {
            break;
        }
        eprintln!(
            "{} of {total} scenarios are played again: {}",
            todo.len(),
            reasons[0]
        );
    }
    assert!(todo.is_empty(), "this machine is too busy for {reasons:#?}");
    reports.sort_by_key(|(place, _)| *place);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn width() -> usize {
    let width = env::var("PARITY_WIDTH").ok().and_then(|w| w.parse().ok());
    width.unwrap_or(WIDTH)
}

/// Plays scenarios against one fresh pair of servers.
async fn round(scenarios: Vec<Scenario>, width: usize) -> Vec<Report> {
    static ROUND: AtomicU16 = AtomicU16::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let [first, second] = kinds();
    let sides = [Side::new(first, 1, round), Side::new(second, 2, round)];
    let mut servers = sides.map(|side| side.start(&scenarios));
    let width = Arc::new(Semaphore::new(width.max(1)));
    let mut tasks = JoinSet::new();
    for (index, scenario) in scenarios.iter().cloned().enumerate() {
        let width = Arc::clone(&width);
        tasks.spawn(async move {
            let _permit = width.acquire_owned().await;
            let scenario = &scenario;
            let play = |side| async move {
                let start = next_start(scenario.start);
                match scenario.zones.is_empty() {
                    true => drive(scenario, index, side, start).await,
                    false => limits::drive(scenario, index, side, start).await,
                }
            };
            let [one, two] = sides;
            let runs = match scenario.hashes_addresses() {
                // One after the other, because they have the same backends.
                true => [play(one).await, play(two).await],
                false => tokio::join!(play(one), play(two)).into(),
            };
            (index, runs)
        });
    }
    let mut runs: Vec<(usize, [Run; 2])> = tasks.join_all().await;
    runs.sort_by_key(|(index, _)| *index);
    let logs = servers.each_mut().map(|server| {
        server.stop();
        server.read("access.log")
    });
    let logs = logs.each_ref().map(|log| by_path(log));
    let mut reports = Vec::new();
    for ((index, runs), scenario) in runs.into_iter().zip(scenarios) {
        let mut side = [0, 1].into_iter();
        let mut disturbed = None;
        let mut seen = Vec::new();
        let outcomes = runs.map(|run| {
            let at = side.next().unwrap_or_default();
            disturbed = disturbed.take().or_else(|| run.disturbed.clone());
            seen.push(describe_seen(&run, &scenario));
            let began = run.began;
            let outcomes = outcomes(run, (&scenario, index), sides[at], &logs[at]);
            let late = || limits::disturbed(&scenario, began, &outcomes);
            disturbed = disturbed.take().or_else(late);
            outcomes
        });
        let mut report = Report {
            scenario,
            sides: outcomes,
            seen: seen.try_into().unwrap_or_default(),
            disturbed,
        };
        report.disturbed = report.disturbed.take().or_else(|| report.limps());
        reports.push(report);
    }
    reports
}

/// The lines of an access log by the path of their request.
fn by_path(log: &str) -> HashMap<&str, Vec<&str>> {
    log.lines()
        .map(|line| {
            let mut fields = line.split('|');
            let uri = fields.next().unwrap_or_default();
            (uri.split('?').next().unwrap_or_default(), fields.collect())
        })
        .collect()
}

fn outcomes(
    run: Run,
    (scenario, index): (&Scenario, usize),
    side: Side,
    log: &HashMap<&str, Vec<&str>>,
) -> Vec<Outcome> {
    let letter = |address: &str| side.letter(scenario, index, address);
    let path = scenario.path();
    run.exchanges
        .into_iter()
        .enumerate()
        .map(|(count, exchange)| {
            let fields = log.get(format!("/{path}/{count}").as_str()).cloned();
            Outcome::read(
                &fields.unwrap_or_default(),
                letter,
                exchange.answer,
                exchange.took,
            )
        })
        .collect()
}

fn describe_seen(run: &Run, scenario: &Scenario) -> Vec<String> {
    if !scenario.zones.is_empty() {
        return limits::seen(run);
    }
    run.seen
        .iter()
        .map(|(letter, seen)| {
            let mut text = format!("{letter}:");
            for seen in seen {
                let _ = write!(text, " {}.{} {},", seen.connection, seen.turn, seen.request);
            }
            text
        })
        .collect()
}

impl Report {
    /// One side did the same as the other, and took longer for it. If that is its nature it will again.
    fn limps(&self) -> Option<String> {
        let [one, two] = &self.sides;
        let mut pairs = one.iter().zip(two);
        let (slow, fast) = pairs.find(|(a, b)| !a.is_as_fast_as(b))?;
        let times = (slow.took, fast.took);
        self.agrees()
            .then(|| format!("one side took {:?}, the other {:?}", times.0, times.1))
    }

    /// Whether both sides did the same, request by request, and so their backends saw the same.
    pub(crate) fn agrees(&self) -> bool {
        let [one, two] = &self.sides;
        let resets = self.scenario.resets();
        one.len() == two.len()
            && one.iter().zip(two).all(|(a, b)| a.equals(b, resets))
            && self.seen[0] == self.seen[1]
    }

    /// Whether on both sides that came back which is known to, or which the rule says.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.sides.iter().all(|outcomes| {
            if limits::breach(&self.scenario, outcomes).is_some() {
                return false;
            }
            let mut pairs = self.scenario.requests().zip(outcomes);
            pairs.all(|(request, outcome)| request.expect.as_ref().is_none_or(|e| outcome.is(e)))
        })
    }

    /// Whether the sides' outcomes are these, in the notation of the reference.
    pub(crate) fn is(&self, expected: [[&str; 3]; 2]) -> bool {
        let mut sides = self.sides.iter().zip(expected);
        sides.all(|(outcomes, expected)| {
            outcomes.len() == expected.len() && outcomes.iter().zip(expected).all(|(o, e)| o.is(e))
        })
    }

    /// Both sides' results, and a file that replays the scenario.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{}\n", self.scenario);
        let [one, two] = &self.sides;
        let resets = self.scenario.resets();
        for ((request, a), b) in self.scenario.requests().zip(one).zip(two) {
            let mark = if a.equals(b, resets) { ' ' } else { '!' };
            let _ = writeln!(
                text,
                "{mark} {request}\n    nginx {}\n    ours  {}",
                a.full(),
                b.full()
            );
        }
        for outcomes in &self.sides {
            if let Some(breach) = limits::breach(&self.scenario, outcomes) {
                let _ = writeln!(text, "! {breach}");
            }
        }
        for (a, b) in self.seen[0]
            .iter()
            .zip(&self.seen[1])
            .filter(|(a, b)| a != b)
        {
            let _ = writeln!(text, "! backends saw\n    nginx {a}\n    ours  {b}");
        }
        let name = self
            .scenario
            .name
            .replace(|c: char| !c.is_alphanumeric(), "-");
        let file = env::temp_dir().join(format!("parity-{name}.scenario"));
        match fs::write(&file, self.scenario.to_string()) {
            Ok(()) => writeln!(text, "replay with PARITY_REPLAY={}", file.display()),
            Err(why) => writeln!(text, "cannot write {}: {why}", file.display()),
        }
        .map(|()| text)
        .unwrap_or_default()
    }
}
