//! What holds for every group, every order of events and every clock.

use std::time::Duration;

use proptest::prelude::*;
use tower_upstream::balance::{PeerConfig, PeerId, Peers, Verdict, Walk};
use tower_upstream::breaker::State;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request begins and picks.
    Begin,
    /// The oldest running request's attempt ends so, and it picks again.
    Retry(Verdict),
    /// The oldest running request is over.
    End(Verdict),
    Seconds(u8),
}

fn second(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        3 => Just(Verdict::Failed),
        3 => Just(Verdict::Ok),
        1 => Just(Verdict::OkIfCurrent),
        1 => Just(Verdict::Neutral),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Begin),
        2 => verdict().prop_map(Event::Retry),
        3 => verdict().prop_map(Event::End),
        1 => (0u8..4).prop_map(Event::Seconds),
    ]
}

fn peer() -> impl Strategy<Value = PeerConfig> {
    (
        1u32..6,
        0u32..4,
        0u64..3,
        0u32..3,
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(weight, max_fails, fail_timeout, max_conns, down)| PeerConfig {
                weight,
                max_fails,
                fail_timeout,
                max_conns,
                down,
                drain: false,
            },
        )
}

struct Running {
    walk: Walk,
    peer: PeerId,
    tried: Vec<(bool, usize)>,
}

fn key(peer: PeerId) -> (bool, usize) {
    (peer.is_backup(), peer.index())
}

/// Picks, and checks that the pick was allowed.
fn pick(
    peers: &mut Peers,
    configs: &[Vec<PeerConfig>; 2],
    mut walk: Walk,
    mut tried: Vec<(bool, usize)>,
    now: Duration,
) -> Option<Running> {
    let single = configs[0].len() == 1 && configs[1].is_empty();
    let before = peers.states(now);
    let picked = peers.pick(&mut walk, now);
    let at = |(backup, index): (bool, usize)| index + usize::from(backup) * configs[0].len();
    let free = |key: (bool, usize), tried: &[(bool, usize)]| {
        let (state, config) = (&before[at(key)], &configs[usize::from(key.0)][key.1]);
        !config.down
            && (config.max_conns == 0 || state.in_flight < config.max_conns)
            && (single || (state.state != State::Open && !tried.contains(&key)))
    };
    let turned = tried.iter().any(|(backup, _)| *backup);
    match picked {
        Some(peer) => {
            assert!(
                free(key(peer), &tried),
                "{peer:?} of {before:?}, tried {tried:?}"
            );
            assert!(
                !turned || peer.is_backup(),
                "a request never returns to the primaries"
            );
            tried.push(key(peer));
            Some(Running { walk, peer, tried })
        }
        None => {
            let primaries = (0..configs[0].len())
                .filter(|_| !turned)
                .map(|index| (false, index));
            let backups = (0..configs[1].len()).map(|index| (true, index));
            let missed = primaries.chain(backups).find(|key| free(*key, &tried));
            assert_eq!(
                missed, None,
                "somebody was free: {before:?}, tried {tried:?}"
            );
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_pick_is_never_tried_down_banned_or_full_and_slots_come_back(
        primary in prop::collection::vec(peer(), 1..5),
        backup in prop::collection::vec(peer(), 0..3),
        events in prop::collection::vec(event(), 1..200),
    ) {
        let configs = [primary, backup];
        let mut peers = Peers::new(&configs[0], &configs[1]);
        let (mut running, mut now) = (Vec::<Running>::new(), second(1000));
        for event in events {
            match event {
                Event::Begin => {
                    let walk = peers.walk(0);
                    running.extend(pick(&mut peers, &configs, walk, Vec::new(), now));
                }
                Event::Retry(verdict) if !running.is_empty() => {
                    let Running { walk, peer, tried } = running.remove(0);
                    peers.release(peer, verdict, now);
                    running.extend(pick(&mut peers, &configs, walk, tried, now));
                }
                Event::End(verdict) if !running.is_empty() => {
                    peers.release(running.remove(0).peer, verdict, now);
                }
                Event::Retry(_) | Event::End(_) => {}
                Event::Seconds(seconds) => now += second(u64::from(seconds)),
            }
            let states = peers.states(now);
            let in_flight: u32 = states.iter().map(|peer| peer.in_flight).sum();
            prop_assert_eq!(in_flight as usize, running.len());
            for peer in &states {
                prop_assert!(peer.effective_weight <= peer.weight);
            }
        }
        for request in running {
            peers.release(request.peer, Verdict::Neutral, now);
        }
        prop_assert!(peers.states(now).iter().all(|peer| peer.in_flight == 0));
    }

    #[test]
    fn smooth_round_robin_meets_the_weights_in_every_period(
        weights in prop::collection::vec(1u32..9, 1..7),
    ) {
        let configs: Vec<PeerConfig> =
            weights.iter().map(|&weight| PeerConfig { weight, ..PeerConfig::default() }).collect();
        let mut peers = Peers::new(&configs, &[]);
        let total: u32 = weights.iter().sum();
        let mut served = vec![0u32; weights.len()];
        for n in 1..=3 * total {
            let mut walk = peers.walk(0);
            let peer = peers.pick(&mut walk, second(0)).expect("all are free");
            peers.release(peer, Verdict::Ok, second(0));
            served[peer.index()] += 1;
            for (count, weight) in served.iter().zip(&weights) {
                // Never a whole turn ahead or behind.
                let due = f64::from(n * weight) / f64::from(total);
                prop_assert!((f64::from(*count) - due).abs() < weights.len() as f64);
            }
            if n % total == 0 {
                let expected: Vec<u32> = weights.iter().map(|weight| weight * n / total).collect();
                prop_assert_eq!(&served, &expected);
            }
        }
    }

    #[test]
    fn one_probe_per_window(fail_timeout in 0u64..20, others in 1usize..50) {
        let config = PeerConfig { fail_timeout, ..PeerConfig::default() };
        let mut peers = Peers::new(&[config], &[PeerConfig::default()]);
        let mut walk = peers.walk(0);
        let first = peers.pick(&mut walk, second(100)).expect("it is free");
        prop_assert!(peers.release(first, Verdict::Failed, second(100)), "one failure bans it");
        let back = 100 + fail_timeout + 1;
        for at in 100..back {
            let mut walk = peers.walk(0);
            prop_assert!(peers.pick(&mut walk, second(at)).expect("the backup").is_backup());
        }
        let probes = (0..others)
            .filter(|_| {
                let mut walk = peers.walk(0);
                !peers.pick(&mut walk, second(back)).expect("one of them").is_backup()
            })
            .count();
        prop_assert_eq!(probes, 1);
    }
}
