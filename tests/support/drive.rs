//! Runs one scenario against one side.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::answer;
use super::backend::{Backend, Seen};
use super::client::{Answer, Exchange, exchange};
use super::h2::{CALL, call};
use super::scenario::Scenario;
use super::script::Script;
use super::side::Side;

/// Peers change their ways this long before the requests of a step, so that both sides have
/// noticed closed connections by then.
const LEAD: Duration = Duration::from_millis(40);
/// Steps that come too late are moved to the next multiple of this.
const GRID: u128 = 200;
/// Held requests that start together still have an order.
const HELD_GAP: Duration = Duration::from_millis(30);
/// Everything takes a multiple of 100 ms; where requests overlap, this much more changes who is
/// served when.
const HELD_SLACK: u128 = 20;
/// A step that starts later than this proves nothing.
const TOO_LATE: Duration = Duration::from_millis(40);
/// NGINX counts in whole seconds: nothing of interest may happen so close to their boundaries.
const MARGIN: u32 = 25;

/// What one side did.
pub(crate) struct Run {
    /// In the order of the requests.
    pub(crate) exchanges: Vec<Exchange>,
    /// Per peer, what its backend saw.
    pub(crate) seen: Vec<(char, Vec<Seen>)>,
    /// When offset 0 was.
    pub(crate) began: SystemTime,
    /// Why the timing was not as planned, if it was not.
    pub(crate) disturbed: Option<String>,
}

/// Plays the scenario that has this index in the configuration, offset 0 being at `start`.
pub(crate) async fn drive(scenario: &Scenario, index: usize, side: Side, start: Instant) -> Run {
    let mut backends = Vec::new();
    for letter in scenario.peers() {
        let mut backend = Backend::new(letter, side.peer(scenario, index, letter), scenario.grpc());
        backend.play(&Script::always(answer::ok())).await;
        backends.push((letter, backend));
    }
    let mut disturbed = None;
    let mut clients = Vec::new();
    for step in &scenario.steps {
        let planned = start + Duration::from_millis(step.at);
        let at = on_grid(start, planned, &mut disturbed);
        sleep_until(at - LEAD).await;
        for (letter, script) in &step.peers {
            for (_, backend) in backends.iter_mut().filter(|(l, _)| l == letter) {
                backend.play(script).await;
            }
        }
        sleep_until(at).await;
        if at.elapsed() > TOO_LATE {
            disturbed = Some(format!("step at {} was {:?} late", step.at, at.elapsed()));
        }
        for request in &step.requests {
            let (front, path) = (
                side.front_for(request),
                format!("/{}/{}", scenario.path(), clients.len()),
            );
            let (request, held) = (request.clone(), request.held);
            let mut client = tokio::spawn(async move {
                match request.method.as_str() {
                    CALL => call(front, &path, &request).await,
                    _ => exchange(front, &path, &request).await,
                }
            });
            if held {
                sleep(HELD_GAP).await;
                clients.push(Client::Waiting(client));
            } else {
                clients.push(Client::Done(finish(&mut client).await));
            }
        }
    }
    let mut exchanges = Vec::new();
    for client in clients {
        exchanges.push(match client {
            Client::Done(exchange) => exchange,
            Client::Waiting(mut client) => finish(&mut client).await,
        });
    }
    let seen: Vec<_> = backends
        .iter()
        .map(|(letter, backend)| (*letter, backend.seen()))
        .collect();
    for (_, mut backend) in backends {
        backend.play(&Script::Refuse).await;
    }
    Run {
        disturbed: disturbed
            .or_else(|| near_a_boundary(&exchanges, &seen))
            .or_else(|| out_of_turn(scenario, &exchanges)),
        began: on_the_wall(start),
        exchanges,
        seen,
    }
}

/// The time of day of a moment.
pub(crate) fn on_the_wall(moment: Instant) -> SystemTime {
    let (now, wall) = (Instant::now(), SystemTime::now());
    wall + moment.saturating_duration_since(now) - now.saturating_duration_since(moment)
}

enum Client {
    Done(Exchange),
    Waiting(JoinHandle<Exchange>),
}

async fn finish(client: &mut JoinHandle<Exchange>) -> Exchange {
    client.await.expect("a client that does not panic")
}

/// The planned time, or the next point of the grid if earlier requests took longer.
fn on_grid(start: Instant, planned: Instant, disturbed: &mut Option<String>) -> Instant {
    let now = Instant::now();
    if now + LEAD <= planned || planned <= start {
        return planned;
    }
    let elapsed = now.duration_since(start).as_millis();
    if elapsed % GRID > GRID / 2 {
        *disturbed = Some(format!("a step ended {} ms off the grid", elapsed % GRID));
    }
    let next = (elapsed / GRID + 1) * GRID;
    start + Duration::from_millis(u64::try_from(next).unwrap_or(u64::MAX))
}

fn near_a_boundary(exchanges: &[Exchange], seen: &[(char, Vec<Seen>)]) -> Option<String> {
    let ends = exchanges
        .iter()
        .filter(|e| failed(&e.answer))
        .map(|e| e.sent + e.took);
    let sent = exchanges.iter().map(|e| e.sent);
    let arrived = seen.iter().flat_map(|(_, seen)| seen).map(|s| s.at);
    ends.chain(sent).chain(arrived).find_map(|at| {
        let fraction = millis_past_the_second(at);
        let near = !(MARGIN..1000 - MARGIN).contains(&fraction);
        near.then(|| format!("something happened {fraction} ms past a second"))
    })
}

fn out_of_turn(scenario: &Scenario, exchanges: &[Exchange]) -> Option<String> {
    let overlap = scenario.requests().any(|request| request.held);
    let mut slow = exchanges.iter().map(|e| e.took);
    slow.find(|took| overlap && took.as_millis() % 100 > HELD_SLACK)
        .map(|took| format!("a request among others took {took:?}"))
}

fn failed(answer: &Answer) -> bool {
    !matches!(
        answer,
        Answer::Status {
            status: 200..=299,
            whole: true,
            ..
        }
    )
}

fn millis_past_the_second(at: SystemTime) -> u32 {
    at.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .subsec_millis()
}

/// The next moment so many milliseconds past a wall-clock second that leaves time to prepare.
pub(crate) fn next_start(past_the_second: u64) -> Instant {
    let prepare = Duration::from_millis(250);
    let (now, wall) = (Instant::now(), SystemTime::now() + prepare);
    let fraction = u64::from(millis_past_the_second(wall));
    now + prepare + Duration::from_millis((past_the_second + 1000 - fraction) % 1000)
}
