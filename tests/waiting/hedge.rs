use std::time::Duration;

use tower_upstream::Semantics;
use tower_upstream::balance::{PeerConfig, Setup};
use tower_upstream::retry::{Budget, Hedge, Terms};

use super::sim::{Act, Req, Sim};

const SECOND: Duration = Duration::from_secs(1);

fn terms() -> Terms {
    Terms {
        hedge: Some(Hedge::default()),
        ..Terms::default()
    }
}

fn setup(semantics: Semantics) -> Setup {
    Setup {
        semantics,
        ..Setup::default()
    }
}

/// One answer in ten is slow, whoever gives it.
fn one_in_ten(slow: u64, seed: u64) -> impl Fn(Duration) -> Act + Send + Sync + 'static {
    let random = std::sync::Mutex::new(fastrand::Rng::with_seed(seed));
    move |_| match random.lock().unwrap().u8(..10) {
        0 => Act::Takes(slow),
        _ => Act::Takes(2),
    }
}

fn pair(slow: u64) -> Vec<(PeerConfig, impl Fn(Duration) -> Act + Send + Sync + 'static)> {
    let peer = |seed| (PeerConfig::default(), one_in_ten(slow, seed));
    vec![peer(1), peer(2)]
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_cuts_the_tail_and_losers_count_for_nothing() {
    for semantics in [Semantics::Nginx, Semantics::Strict] {
        let hedge = Hedge {
            percentile: 80,
            ..Hedge::default()
        };
        let terms = Terms {
            hedge: Some(hedge),
            ..Terms::default()
        };
        let sim = Sim::new(setup(semantics), terms, None).peers(pair(500));
        // Too few answers are no percentile yet.
        sim.load(100, SECOND, true).await;
        let seen = sim.load(100, 10 * SECOND, true).await;
        assert_eq!((seen.answered, seen.failed), (1000, 0));
        let slow = seen.took.iter().filter(|took| **took > SECOND / 4).count();
        assert!(
            slow < 30,
            "one in a hundred by chance, not one in ten: {slow}"
        );
        let extra = seen.attempts - 1000;
        assert!(
            (90..=180).contains(&extra),
            "only the slow ones were doubled: {extra}"
        );
        for peer in sim.states() {
            assert_eq!((peer.in_flight, peer.fails), (0, 0), "{semantics:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_sent_twice_is_not() {
    let sim = Sim::new(setup(Semantics::Nginx), terms(), None).peers(pair(500));
    let seen = sim.load(100, 10 * SECOND, false).await;
    assert_eq!((seen.answered, seen.attempts), (1000, 1000));
}

#[tokio::test(start_paused = true)]
async fn hedges_are_paid_out_of_the_budget() {
    let hedge = Hedge {
        percentile: 80,
        ..Hedge::default()
    };
    let terms = Terms {
        hedge: Some(hedge),
        ..Terms::default()
    };
    let budget = Budget::new(2, 1);
    let sim = Sim::new(setup(Semantics::Nginx), terms, Some(budget)).peers(pair(500));
    let seen = sim.load(100, 10 * SECOND, true).await;
    assert_eq!((seen.answered, seen.failed), (1000, 0));
    let extra = seen.attempts - 1000;
    assert!(
        (25..=30).contains(&extra),
        "2 % of 1000 and one a second for ten: {extra}"
    );
    assert!(sim.states().iter().all(|peer| peer.in_flight == 0));
}

/// The hedge fails at once; the first attempt is still good.
#[tokio::test(start_paused = true)]
async fn a_hedge_that_fails_does_not_end_the_request() {
    for second in [Act::Refuses, Act::Says(500)] {
        let terms = Terms {
            next_upstream: tower_upstream::NextUpstream::ERROR
                | tower_upstream::NextUpstream::HTTP_500,
            ..terms()
        };
        let act = move |peer: usize| {
            move |at: Duration| match (at < SECOND, peer) {
                (true, _) => Act::Takes(2),
                (false, 0) => Act::Takes(300),
                (false, _) => second,
            }
        };
        let down = PeerConfig {
            max_fails: 100,
            ..PeerConfig::default()
        };
        let sim = Sim::new(setup(Semantics::Nginx), terms, None)
            .peers(vec![(down, act(0)), (down, act(1))]);
        sim.load(100, SECOND, true).await;
        let begun = tokio::time::Instant::now();
        let mut statuses = Vec::new();
        for _ in 0..2 {
            statuses.push(sim.request().await.unwrap());
        }
        assert_eq!(statuses, [200, 200], "{second:?}");
        assert!(
            begun.elapsed() >= Duration::from_millis(600),
            "both were the slow one's answers"
        );
        assert!(sim.states()[1].fails >= 1, "that failure counts");
    }
}

/// The first attempt fails while the hedge runs.
#[tokio::test(start_paused = true)]
async fn the_hedge_goes_on_when_the_first_attempt_fails() {
    let act = |peer: usize| {
        move |at: Duration| match (at < SECOND, peer) {
            (true, _) => Act::Takes(2),
            (false, 0) => Act::Hangs,
            (false, _) => Act::Takes(6000),
        }
    };
    let sim = Sim::new(setup(Semantics::Nginx), terms(), None).peers(vec![
        (PeerConfig::default(), act(0)),
        (PeerConfig::default(), act(1)),
    ]);
    sim.load(100, SECOND, true).await;
    let begun = tokio::time::Instant::now();
    let status = sim.request().await.unwrap();
    assert_eq!(status, 200);
    let took = begun.elapsed();
    assert!(
        took < Duration::from_millis(6100),
        "the hedge's own time and little more: {took:?}"
    );
    assert_eq!(sim.states()[0].fails, 1, "it hung for its whole time");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_leaves_both() {
    let slow = |at: Duration| {
        if at < SECOND {
            Act::Takes(2)
        } else {
            Act::Hangs
        }
    };
    let sim = Sim::new(setup(Semantics::Strict), terms(), None).peers(vec![
        (PeerConfig::default(), slow),
        (PeerConfig::default(), slow),
    ]);
    sim.load(100, SECOND, true).await;
    let call = sim.engine.send(Req { idempotent: true });
    assert!(tokio::time::timeout(SECOND, call).await.is_err());
    assert_eq!(
        sim.asked(0).len() + sim.asked(1).len(),
        102,
        "two attempts were under way"
    );
    for peer in sim.states() {
        assert_eq!((peer.in_flight, peer.fails), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_we_lack_for_the_second_attempt_does_not_end_the_first() {
    let slow = |at: Duration| match at < SECOND {
        true => Act::Takes(2),
        false => Act::Takes(500),
    };
    let lacking = |at: Duration| match at < SECOND {
        true => Act::Takes(2),
        false => Act::Lacks,
    };
    type Acts = Box<dyn Fn(Duration) -> Act + Send + Sync>;
    let acts: [Acts; 2] = [Box::new(slow), Box::new(lacking)];
    let peers = acts.map(|act| (PeerConfig::default(), act));
    let sim = Sim::new(setup(Semantics::Strict), terms(), None).peers(peers.into());
    // An even number, so that the first is the next one's.
    sim.load(100, SECOND, true).await;
    assert_eq!(sim.request().await.unwrap(), 200);
    assert_eq!(sim.asked(1).len(), 51, "the second attempt was made");
    for peer in sim.states() {
        assert_eq!((peer.in_flight, peer.fails), (0, 0));
    }
}

/// Backups are for when no primary may be asked, and a slow answer is no such time.
#[tokio::test(start_paused = true)]
async fn a_backup_is_not_hedged_to() {
    let act = |peer: usize| {
        move |at: Duration| match peer == 0 && at >= SECOND {
            true => Act::Takes(300),
            false => Act::Takes(2),
        }
    };
    let sim = Sim::new(setup(Semantics::Nginx), terms(), None).with_backup(vec![
        (PeerConfig::default(), act(0)),
        (PeerConfig::default(), act(1)),
    ]);
    sim.load(100, SECOND, true).await;
    assert_eq!(sim.load(10, SECOND, true).await.answered, 10);
    assert_eq!(sim.asked(1).len(), 0);
}
