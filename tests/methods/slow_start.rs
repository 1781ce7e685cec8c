use std::time::Duration;

use tower_upstream::balance::{Member, Method, Peers, Setup, SlowStart, Verdict};

use super::group::{NOW, members};

const WINDOW: Duration = Duration::from_secs(10);

fn group(method: Method, slow_start: SlowStart, servers: &str) -> (Peers, Vec<Member>) {
    let members = members(servers);
    let setup = Setup {
        method,
        slow_start: Some(slow_start),
        ..Setup::default()
    };
    (Peers::with(setup, &members[..1]), members)
}

fn linear() -> SlowStart {
    SlowStart {
        window: WINDOW,
        ..SlowStart::default()
    }
}

/// How many of so many requests, one after the other, the second peer gets.
fn share(peers: &mut Peers, of: usize, now: Duration) -> usize {
    let serve = |_: &usize| {
        let mut walk = peers.walk(0);
        let peer = peers.pick(&mut walk, now).expect("both are free");
        peers.release(peer, Verdict::Ok, now);
        peer.index() == 1
    };
    (0..of).filter(serve).count()
}

#[test]
fn a_newcomers_share_grows_with_its_time() {
    for (aggression, weight) in [(1.0, 1), (1.0, 7), (2.0, 3), (0.5, 3)] {
        let slow_start = SlowStart {
            aggression,
            ..linear()
        };
        let servers = format!("A weight={weight}; B weight={weight}");
        let (mut peers, members) = group(Method::RoundRobin, slow_start, &servers);
        peers.set(&members, NOW);
        let mut last = 0;
        for tenth in 0..=12u32 {
            let now = NOW + WINDOW * tenth / 10;
            // The effective weight climbs to its new top within a few turns.
            share(&mut peers, 500, now);
            let got = share(&mut peers, 10_000, now);
            let ramp = f64::from(tenth.min(10)) / 10.0;
            let ramp = ramp.powf(1.0 / aggression).max(0.1);
            let due = 10_000.0 * ramp / (1.0 + ramp);
            // A weight is cut to hundredths of a weight of 1: one of at least 10 is lost at most,
            // and smooth round robin is never a whole turn off.
            let hundredth = 10_000.0 / (100.0 * f64::from(weight));
            let off = (got as f64 - due).abs();
            assert!(
                off <= hundredth + 2.0,
                "{aggression}, {tenth}: {got} for {due}"
            );
            // Where in its turn it starts to be counted may cost one.
            assert!(got + 1 >= last, "{aggression}, {tenth}: {got} after {last}");
            last = got;
        }
        assert_eq!(last, 5_000, "its full share");
    }
}

/// The peers a group starts with have nothing to prove.
#[test]
fn nobody_is_slow_at_the_start() {
    let (mut peers, _) = group(Method::RoundRobin, linear(), "A");
    let both = members("A; B");
    peers = Peers::with(peers.setup().clone(), &both);
    assert_eq!(share(&mut peers, 100, NOW), 50);
}

/// After a ban and after an active check's verdict alike; and again each time.
#[test]
fn who_returns_is_slow_too() {
    let both = members("A; B fail_timeout=1");
    let setup = Setup {
        slow_start: Some(linear()),
        ..Setup::default()
    };
    let mut peers = Peers::with(setup, &both);
    let name = both[1].name.clone();
    peers.set_health(&name, Some(true), NOW);
    assert_eq!(
        share(&mut peers, 100, NOW),
        50,
        "the first word is no return"
    );
    let mut now = NOW;
    for _ in 0..2 {
        peers.set_health(&name, Some(false), now);
        assert_eq!(share(&mut peers, 100, now), 0);
        peers.set_health(&name, Some(true), now);
        let got = share(&mut peers, 1100, now);
        assert!((95..=105).contains(&got), "a tenth of A's share: {got}");
        now += WINDOW;
        share(&mut peers, 300, now);
        assert_eq!(share(&mut peers, 100, now), 50);
    }
    let mut walk = peers.walk(0);
    let mut picked = peers.pick(&mut walk, now).expect("both are free");
    if picked.index() == 0 {
        peers.release(picked, Verdict::Ok, now);
        walk = peers.walk(0);
        picked = peers.pick(&mut walk, now).expect("B is free");
    }
    assert!(peers.release(picked, Verdict::Failed, now), "B is banned");
    now += Duration::from_secs(2);
    let got = share(&mut peers, 1100, now);
    assert!((90..=105).contains(&got), "a tenth again: {got}");
}

/// Limits grow as weights do, whether anybody asks meanwhile or not.
#[test]
fn a_newcomers_limit_grows_with_its_time() {
    for method in [Method::RoundRobin, Method::Random] {
        let (mut peers, members) = group(method, linear(), "A; B weight=100 max_conns=20");
        peers.set(&members, NOW);
        let mut held = 0;
        for second in 0..=11u32 {
            let now = NOW + Duration::from_secs(second.into());
            // Long enough to be read back.
            for _ in 0..2_000 {
                let mut walk = peers.walk(0);
                let peer = peers.pick(&mut walk, now).expect("A always is");
                match peer.index() {
                    1 => held += 1,
                    _ => drop(peers.release(peer, Verdict::Ok, now)),
                }
            }
            let most = (2 * second).clamp(2, 20);
            assert_eq!(held, most, "{method:?} after {second} s");
        }
    }
}
