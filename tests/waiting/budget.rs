use std::time::Duration;

use tower_upstream::balance::{PeerConfig, Setup};
use tower_upstream::retry::{Budget, Terms};

use super::sim::{Act, Sim};

const SECOND: Duration = Duration::from_secs(1);

/// Every peer refuses, and is asked on: retries are what the budget grants and no more.
#[tokio::test(start_paused = true)]
async fn when_all_fails_retries_are_what_the_budget_grants() {
    let never_out = PeerConfig {
        max_fails: 0,
        ..PeerConfig::default()
    };
    let refuses = |_: Duration| Act::Refuses;
    let peers = || vec![(never_out, refuses); 3];
    let without = Sim::new(Setup::default(), Terms::default(), None).peers(peers());
    let seen = without.load(100, 10 * SECOND, true).await;
    assert_eq!(
        (seen.failed, seen.attempts),
        (1000, 3000),
        "threefold the load"
    );

    let budget = Budget::default();
    let with = Sim::new(Setup::default(), Terms::default(), Some(budget)).peers(peers());
    let seen = with.load(100, 10 * SECOND, true).await;
    let retries = seen.attempts - 1000;
    assert!(
        (250..=300).contains(&retries),
        "20 % of 1000 and 10 a second for ten: {retries}"
    );
}
