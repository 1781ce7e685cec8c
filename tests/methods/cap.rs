//! At least one, never the last, at most the percent.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use tower_upstream::Semantics;
use tower_upstream::balance::{EjectionCap, Member, Peers, Setup, Verdict};
use tower_upstream::breaker::{Consecutive, Ejection, FailureRules, SuccessRatio};

use super::group::{NOW, members};

fn rules() -> Vec<FailureRules> {
    let ejection = Ejection {
        base: Duration::from_secs(2),
        max: Duration::from_secs(8),
        ..Ejection::default()
    };
    vec![
        FailureRules::MaxFails,
        FailureRules::Consecutive(Consecutive {
            failures: 2,
            ejection,
        }),
        FailureRules::SuccessRatio(SuccessRatio {
            minimum: 2,
            ejection,
            ..SuccessRatio::default()
        }),
    ]
}

fn group(failure_rule: FailureRules, cap: EjectionCap, members: &[Member]) -> Peers {
    let setup = Setup {
        failure_rule,
        cap: Some(cap),
        semantics: Semantics::Strict,
        ..Setup::default()
    };
    Peers::with(setup, members)
}

/// Whom a request would be given, one after the other, if it asked all there are.
fn in_use(peers: &Peers, now: Duration) -> BTreeSet<(bool, usize)> {
    let mut peers = peers.clone();
    let mut walk = peers.walk(0);
    // A lone peer may be asked for ever.
    let all = peers.states(now).len();
    let next = || {
        let peer = peers.pick(&mut walk, now)?;
        Some((peer.is_backup(), peer.index()))
    };
    std::iter::from_fn(next).take(all).collect()
}

/// One attempt at this peer and nobody else; false when it may not be had.
fn attempt(peers: &mut Peers, at: (bool, usize), verdict: Verdict, now: Duration) -> bool {
    let mut walk = peers.walk(0);
    let mut others = Vec::new();
    let found = loop {
        match peers.pick(&mut walk, now) {
            Some(peer) if (peer.is_backup(), peer.index()) == at => break Some(peer),
            Some(other) => others.push(other),
            None => break None,
        }
    };
    for other in others {
        peers.release(other, Verdict::Neutral, now);
    }
    if let Some(peer) = found {
        peers.release(peer, verdict, now);
    }
    found.is_some()
}

#[test]
fn of_two_or_more_one_may_go_in_any_case_and_the_last_never() {
    for rule in rules() {
        for (servers, percent, most) in [
            ("A", 100, 0),
            ("A; B", 0, 1),
            ("A; B", 100, 1),
            ("A; B; C", 50, 1),
            ("A; B; C; D", 50, 2),
            ("A; B; C; D", 100, 3),
            ("A; B; C; D; E; F; G; H; I; J", 10, 1),
            ("A; B; C; D; E; F; G; H; I; J", 39, 3),
            // Of four in use.
            ("A; B; C; D; E down; F down", 50, 2),
        ] {
            let members = members(servers);
            let all = members.iter().filter(|member| !member.config.down).count();
            let cap = EjectionCap { percent, panic: 0 };
            let mut peers = group(rule, cap, &members);
            for _ in 0..5 {
                for index in 0..all {
                    attempt(&mut peers, (false, index), Verdict::Failed, NOW);
                }
            }
            let left = in_use(&peers, NOW).len();
            assert_eq!(all - left, most, "{rule:?}: {servers}, {percent}%");
        }
    }
}

/// Primaries that all fail are not held on to while a backup works.
#[test]
fn while_a_backup_is_left_all_primaries_may_go() {
    for rule in rules() {
        let members = members("A; B; C backup; D backup");
        let mut peers = group(rule, EjectionCap::default(), &members);
        for _ in 0..5 {
            for at in [(false, 0), (false, 1)] {
                attempt(&mut peers, at, Verdict::Failed, NOW);
            }
        }
        assert_eq!(in_use(&peers, NOW), BTreeSet::from([(true, 0), (true, 1)]));
        for _ in 0..5 {
            for at in [(true, 0), (true, 1)] {
                attempt(&mut peers, at, Verdict::Failed, NOW);
            }
        }
        assert_eq!(in_use(&peers, NOW).len(), 1, "{rule:?}: one backup stays");
    }
}

/// The panic threshold: with too few left, bans are ignored.
#[test]
fn a_group_that_seems_gone_is_asked_rather_than_refused() {
    for rule in rules() {
        let members = members("A; B; C; D");
        for (panic, in_panic) in [(0, false), (50, false), (51, true)] {
            let cap = EjectionCap { percent: 50, panic };
            let mut peers = group(rule, cap, &members);
            for _ in 0..5 {
                for index in [0, 1] {
                    attempt(&mut peers, (false, index), Verdict::Failed, NOW);
                }
            }
            let left = in_use(&peers, NOW).len();
            assert_eq!(left, if in_panic { 4 } else { 2 }, "{rule:?}: {panic}%");
        }
    }
}

/// Shadow mode only counts.
#[test]
fn in_shadow_mode_everybody_stays() {
    for failure_rule in rules() {
        let setup = Setup {
            failure_rule,
            shadow: true,
            ..Setup::default()
        };
        let mut peers = Peers::with(setup, &members("A; B"));
        for _ in 0..5 {
            for index in [0, 1] {
                assert!(attempt(&mut peers, (false, index), Verdict::Failed, NOW));
            }
        }
        let states = peers.states(NOW);
        let told = |at: usize| (states[at].ejections, states[at].withheld > 0);
        assert_eq!(
            (told(0), told(1)),
            ((0, true), (0, true)),
            "{failure_rule:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_order_of_failures_passes_the_cap(
        rule in prop::sample::select(rules()),
        percent in 0u32..=100,
        primaries in 1usize..9,
        backups in 0usize..3,
        events in prop::collection::vec((any::<u8>(), 0u8..8, 0u64..1500), 1..150),
    ) {
        let mut servers: Vec<String> = Vec::new();
        for (number, letter) in ('A'..).take(primaries + backups).enumerate() {
            let backup = if number < primaries { "" } else { "backup" };
            servers.push(format!("{letter} fail_timeout=2 {backup}"));
        }
        let cap = EjectionCap { percent, panic: 0 };
        let mut peers = group(rule, cap, &members(&servers.join(";")));
        let mut now = NOW;
        for (which, what, time) in events {
            let number = usize::from(which) % (primaries + backups);
            let at = match number.checked_sub(primaries) {
                None => (false, number),
                Some(backup) => (true, backup),
            };
            let verdict = match what {
                0..5 => Verdict::Failed,
                5 => Verdict::Neutral,
                6 => Verdict::OkIfCurrent,
                _ => Verdict::Ok,
            };
            attempt(&mut peers, at, verdict, now);
            now += Duration::from_millis(if time < 500 { 0 } else { time });
            let left = in_use(&peers, now);
            prop_assert!(!left.is_empty(), "never the last");
            for (backup, all) in [(false, primaries), (true, backups)] {
                let out = all - left.iter().filter(|(side, _)| *side == backup).count();
                let share = (all * percent as usize / 100).max(1);
                let spared = !backup && left.iter().any(|(backup, _)| *backup);
                prop_assert!(spared || all == 0 || out <= share.min(all - 1), "{out} of {all}");
            }
        }
    }
}
