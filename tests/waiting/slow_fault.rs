use std::time::Duration;

use tower_upstream::balance::{EjectionCap, PeerConfig, Setup};
use tower_upstream::breaker::{SlowFault, State};
use tower_upstream::retry::Terms;
use tower_upstream::{NextUpstream, Semantics};

use super::sim::{Act, Seen, Sim};

const SECOND: Duration = Duration::from_secs(1);
const FAULT: Duration = Duration::from_secs(5);

fn setup(semantics: Semantics) -> Setup {
    let strict = semantics == Semantics::Strict;
    Setup {
        semantics,
        slow_fault: strict.then(SlowFault::default),
        cap: strict.then(EjectionCap::default),
        ..Setup::default()
    }
}

fn terms() -> Terms {
    Terms {
        next_upstream: NextUpstream::ERROR | NextUpstream::TIMEOUT | NextUpstream::HTTP_500,
        ..Terms::default()
    }
}

fn config() -> PeerConfig {
    PeerConfig {
        max_fails: 3,
        fail_timeout: 30,
        ..PeerConfig::default()
    }
}

/// Two peers of 2 ms; what the second becomes when the fault begins.
fn pair(semantics: Semantics, faulty: Act) -> Sim {
    let act = move |peer: usize| {
        move |at: Duration| match at < FAULT || peer == 0 {
            true => Act::Takes(2),
            false => faulty,
        }
    };
    Sim::new(setup(semantics), terms(), None).peers(vec![(config(), act(0)), (config(), act(1))])
}

async fn before_and_after(sim: &Sim, idempotent: bool) -> Seen {
    let before = sim.load(500, FAULT, idempotent).await;
    assert_eq!((before.failed, before.stalled), (0, 0));
    sim.load(500, 10 * SECOND, idempotent).await
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hangs_stalls_a_tenth_of_what_it_stalls_behind_nginx() {
    let nginx = before_and_after(&pair(Semantics::Nginx, Act::Hangs), true).await;
    assert_eq!(nginx.failed, 0);
    assert!(
        (1200..1300).contains(&nginx.stalled),
        "half the requests of five seconds: {nginx:?}"
    );

    let sim = pair(Semantics::Strict, Act::Hangs);
    let strict = before_and_after(&sim, true).await;
    assert_eq!(strict.failed, 0);
    assert_eq!(strict.stalled, 0, "{:?}", &strict.took[..50]);
    assert!(
        strict.took[0] < SECOND / 4,
        "the longest took {:?}",
        strict.took[0]
    );
    let late = strict
        .took
        .iter()
        .filter(|took| **took > SECOND / 20)
        .count();
    assert!(
        late < 60,
        "a tenth of a second's share and a few probes: {late}"
    );
    assert!(sim.states()[1].suspicions >= 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_sent_twice_waits_but_few_are_sent_there() {
    let nginx = before_and_after(&pair(Semantics::Nginx, Act::Hangs), false).await;
    let strict = before_and_after(&pair(Semantics::Strict, Act::Hangs), false).await;
    assert!(
        strict.stalled * 10 < nginx.stalled,
        "{} of {}",
        strict.stalled,
        nginx.stalled
    );
}

#[tokio::test(start_paused = true)]
async fn a_merely_slower_peer_stays() {
    for slower in [6, 10] {
        let sim = pair(Semantics::Strict, Act::Takes(slower));
        let seen = before_and_after(&sim, true).await;
        assert_eq!((seen.failed, seen.stalled), (0, 0));
        assert_eq!(sim.states()[1].suspicions, 0, "{slower} ms");
        let share = sim.asked(1).len() as f64 / (sim.asked(0).len() + sim.asked(1).len()) as f64;
        assert!((0.49..0.51).contains(&share), "it keeps its share: {share}");
        assert_eq!(seen.attempts, 5000, "nothing was sent twice");
    }
}

/// 80 ms are slower by far more than the multiple, but not by what is worth noticing at all.
#[tokio::test(start_paused = true)]
async fn below_the_least_patience_nothing_is_suspected() {
    let sim = pair(Semantics::Strict, Act::Takes(80));
    before_and_after(&sim, true).await;
    assert_eq!(sim.states()[1].suspicions, 0);
}

/// It answers, only late: suspicion ends with the answer, and its latency is normal from then on.
#[tokio::test(start_paused = true)]
async fn a_peer_that_becomes_slow_is_learnt_and_comes_back() {
    let sim = pair(Semantics::Strict, Act::Takes(400));
    let seen = before_and_after(&sim, false).await;
    assert_eq!((seen.failed, seen.stalled), (0, 0));
    let asked = sim.asked(1).len();
    sim.load(500, 10 * SECOND, false).await;
    assert_eq!(sim.asked(1).len() - asked, 2500, "its full share");
}

/// As long as another peer answers two hundred times faster, what can be had from it is.
#[tokio::test(start_paused = true)]
async fn what_may_be_sent_twice_does_not_wait_for_a_peer_that_became_slow() {
    let sim = pair(Semantics::Strict, Act::Takes(400));
    let seen = before_and_after(&sim, true).await;
    assert_eq!(seen.failed, 0);
    let late = seen.took.iter().filter(|took| **took > SECOND / 4);
    assert_eq!(late.count(), 0, "{:?}", seen.took[0]);
    assert_eq!(sim.states()[1].fails, 0);
}

#[tokio::test(start_paused = true)]
async fn the_peer_is_used_again_once_it_answers() {
    let act = |peer: usize| {
        move |at: Duration| match peer == 1 && (FAULT..2 * FAULT).contains(&at) {
            true => Act::Hangs,
            false => Act::Takes(2),
        }
    };
    let sim = Sim::new(setup(Semantics::Strict), terms(), None)
        .peers(vec![(config(), act(0)), (config(), act(1))]);
    let seen = sim.load(500, 3 * FAULT, true).await;
    assert_eq!((seen.failed, seen.stalled), (0, 0));
    let asked = sim.asked(1).len();
    sim.load(500, SECOND, true).await;
    assert_eq!(sim.asked(1).len() - asked, 250, "its full share");
    let mut back = sim.asked(1).into_iter().filter(|at| *at > 2 * FAULT);
    let first_full = back.nth(20).unwrap();
    assert!(first_full < 3 * FAULT, "back after {first_full:?}");
}

/// When everything is slow it is not one peer's fault.
#[tokio::test(start_paused = true)]
async fn nobody_is_suspected_when_all_are_silent() {
    let act = |at: Duration| match (FAULT..FAULT + SECOND).contains(&at) {
        // All answers of that second come at its end.
        true => Act::Takes((FAULT + SECOND - at).as_millis() as u64),
        false => Act::Takes(2),
    };
    let sim = Sim::new(setup(Semantics::Strict), terms(), None).peers(vec![
        (config(), act),
        (config(), act),
        (config(), act),
    ]);
    let seen = sim.load(500, 2 * FAULT, true).await;
    assert_eq!((seen.failed, seen.answered), (0, 5000));
    assert_eq!(seen.attempts, 5000, "nothing was sent twice");
    assert!(
        sim.states().iter().all(|peer| peer.suspicions == 0),
        "{:?}",
        sim.states()
    );
}

/// A long report on an idle service is no reason to run it on every server.
#[tokio::test(start_paused = true)]
async fn a_long_answer_is_asked_for_twice_at_most_and_comes() {
    let act = |_: usize| {
        |at: Duration| {
            if at < FAULT {
                Act::Takes(2)
            } else {
                Act::Takes(3000)
            }
        }
    };
    let sim = Sim::new(setup(Semantics::Strict), terms(), None)
        .peers((0..4).map(|peer| (config(), act(peer))).collect());
    sim.load(100, FAULT, true).await;
    let seen = sim.load(1, SECOND, true).await;
    assert_eq!((seen.answered, seen.failed), (1, 0));
    assert!(seen.attempts <= 2, "{seen:?}");
    assert!(sim.states().iter().all(|peer| peer.fails == 0));
}

#[tokio::test(start_paused = true)]
async fn shadow_mode_counts_and_does_nothing() {
    let act = |peer: usize| {
        move |at: Duration| match at < FAULT || peer == 0 {
            true => Act::Takes(2),
            false => Act::Hangs,
        }
    };
    let shadow = Setup {
        shadow: true,
        ..setup(Semantics::Strict)
    };
    let sim = Sim::new(shadow, terms(), None).peers(vec![(config(), act(0)), (config(), act(1))]);
    let seen = before_and_after(&sim, true).await;
    assert!(seen.stalled > 1200, "as if it were off: {}", seen.stalled);
    let state = &sim.states()[1];
    assert!(
        state.suspicions >= 1
            && state.withheld >= 1
            && state.ejections == 0
            && state.state == State::Closed,
        "{state:?}"
    );
}

/// A lone primary that hangs: its backup makes up for it, though it is no sibling.
#[tokio::test(start_paused = true)]
async fn a_backup_makes_up_for_a_lone_primary_that_hangs() {
    let act = |peer: usize| {
        move |at: Duration| match at < FAULT || peer == 1 {
            true => Act::Takes(2),
            false => Act::Hangs,
        }
    };
    let sim = Sim::new(setup(Semantics::Strict), terms(), None)
        .with_backup(vec![(config(), act(0)), (config(), act(1))]);
    let seen = before_and_after(&sim, true).await;
    assert_eq!((seen.failed, seen.stalled), (0, 0));
    assert!(sim.states()[0].suspicions >= 1);
}
