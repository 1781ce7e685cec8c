//! Any events, pick by pick as the naive model: what is cached, replayed or searched in
//! `src/balance` must not show.

use std::time::Duration;

use proptest::prelude::*;
use tower_upstream::balance::{
    Affinity, Key, Member, Method, PeerConfig, PeerId, Peers, Setup, Verdict, Walk,
};

use super::group::{self, name};
use super::model::{Model, Request};

const METHODS: [Method; 7] = [
    Method::RoundRobin,
    Method::LeastConn,
    Method::Hash,
    Method::ConsistentHash,
    Method::IpHash,
    Method::Random,
    Method::RandomTwo,
];

#[derive(Clone, Debug)]
enum Event {
    /// So many requests in a row, each served at once.
    Calm(usize),
    /// A request of this key and client begins.
    Begin(u8),
    /// A running request's attempt is over, and it picks again.
    Retry(u8, bool),
    /// A running request is over.
    End(u8, bool),
    /// An active check changes its mind.
    Health(u8),
    Seconds(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1usize..60).prop_map(Event::Calm),
        4 => any::<u8>().prop_map(Event::Begin),
        2 => any::<(u8, bool)>().prop_map(|(at, failed)| Event::Retry(at, failed)),
        4 => any::<(u8, bool)>().prop_map(|(at, failed)| Event::End(at, failed)),
        1 => any::<u8>().prop_map(Event::Health),
        1 => (0u64..4).prop_map(Event::Seconds),
    ]
}

fn config() -> impl Strategy<Value = PeerConfig> {
    let weight = prop_oneof![6 => 1u32..7, 1 => 50u32..200];
    (weight, 0u32..4, 0u64..3, 0u32..4, prop::bool::weighted(0.1)).prop_map(
        |(weight, max_fails, fail_timeout, max_conns, down)| PeerConfig {
            weight,
            max_fails,
            fail_timeout,
            // Mostly none.
            max_conns: max_conns.saturating_sub(1),
            down,
            drain: false,
        },
    )
}

/// Servers A, B, ...; sometimes several addresses of one name.
fn members() -> impl Strategy<Value = Vec<Member>> {
    let list = |range| prop::collection::vec((config(), prop::bool::weighted(0.2)), range);
    (list(1..6), list(0..3)).prop_map(|(primary, backup)| {
        let primary = primary.into_iter().map(|one| (false, one));
        let backup = backup.into_iter().map(|one| (true, one));
        let mut members: Vec<Member> = Vec::new();
        for (letter, (backup, (config, same))) in ('A'..).zip(primary.chain(backup)) {
            let mut member = Member {
                backup,
                config,
                ..Member::new(name(letter))
            };
            if let Some(before) = members
                .last()
                .filter(|before| same && before.backup == backup)
            {
                member.origin = before.origin.clone();
                // The parameters are the line's.
                member.config = before.config;
            }
            members.push(member);
        }
        members
    })
}

struct Running {
    walk: Walk,
    peer: PeerId,
    request: Request,
    at: (bool, usize),
}

struct Both {
    peers: Peers,
    model: Model,
    members: Vec<Member>,
    now: u64,
}

impl Both {
    fn new(method: Method, members: Vec<Member>, seed: u64) -> Self {
        let setup = Setup {
            method,
            seed,
            ..Setup::default()
        };
        Self {
            peers: Peers::with(setup, &members),
            model: Model::new(method, &members, seed),
            members,
            now: 1000,
        }
    }

    fn begin(&mut self, number: u8) -> Option<Running> {
        let text = match number % 5 {
            0 => String::new(),
            _ => format!("key {number}"),
        };
        let client = [10, 0, number, 1].into();
        let mut walk = self.peers.walk(0);
        walk.bind(Affinity {
            key: Key::new(&text),
            client: Some(client),
            route: None,
        });
        self.pick(walk, Request::new(text, client))
    }

    fn pick(&mut self, mut walk: Walk, mut request: Request) -> Option<Running> {
        let now = Duration::from_secs(self.now);
        let picked = self.peers.pick(&mut walk, now);
        let at = self.model.pick(&mut request, self.now);
        let seen = picked.map(|peer| (peer.is_backup(), peer.index()));
        assert_eq!(seen, at, "the model's choice, at second {}", self.now);
        let (peer, at) = picked.zip(at)?;
        Some(Running {
            walk,
            peer,
            request,
            at,
        })
    }

    fn release(&mut self, running: &Running, failed: bool) {
        let verdict = if failed { Verdict::Failed } else { Verdict::Ok };
        let now = Duration::from_secs(self.now);
        self.peers.release(running.peer, verdict, now);
        self.model.release(running.at, failed, self.now);
    }

    fn turn_over(&mut self, which: u8) {
        let member = &self.members[usize::from(which) % self.members.len()];
        let list = &mut self.model.lists[usize::from(member.backup)];
        let same = |m: &&Member| m.backup == member.backup;
        let at = self.members.iter().filter(same);
        let at = at.take_while(|m| m.name != member.name).count();
        // What configuration says is down stays so.
        if !member.config.down {
            list[at].down = !list[at].down;
            let healthy = !list[at].down;
            let now = Duration::from_secs(self.now);
            self.peers.set_health(&member.name, healthy, now);
        }
    }

    fn run(&mut self, events: Vec<Event>) {
        let mut running: Vec<Running> = Vec::new();
        for event in events {
            match event {
                Event::Calm(count) => {
                    for number in 0..count {
                        if let Some(one) = self.begin(number as u8) {
                            self.release(&one, false);
                        }
                    }
                }
                Event::Begin(number) => running.extend(self.begin(number)),
                Event::Retry(which, failed) if !running.is_empty() => {
                    let one = running.remove(usize::from(which) % running.len());
                    self.release(&one, failed);
                    running.extend(self.pick(one.walk, one.request));
                }
                Event::End(which, failed) if !running.is_empty() => {
                    let one = running.remove(usize::from(which) % running.len());
                    self.release(&one, failed);
                }
                Event::Retry(..) | Event::End(..) => {}
                Event::Health(which) => self.turn_over(which),
                Event::Seconds(seconds) => self.now += seconds,
            }
        }
        for one in running {
            self.release(&one, false);
        }
    }

    fn at_rest(&self) {
        let states = self.peers.states(Duration::from_secs(self.now));
        assert!(states.iter().all(|peer| peer.in_flight == 0), "{states:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_pick_is_the_models(
        method in prop::sample::select(&METHODS[..]),
        members in members(),
        seed in any::<u64>(),
        events in prop::collection::vec(event(), 1..80),
    ) {
        let mut both = Both::new(method, members, seed);
        both.run(events);
        both.at_rest();
    }

    /// Long enough to read several periods back, and to be interrupted in the midst of one.
    #[test]
    fn what_is_read_back_is_smooth_round_robin(
        weights in prop::collection::vec(1u32..30, 1..9),
        interruptions in prop::collection::vec((1usize..400, 0u8..5), 1..12),
    ) {
        let letters = ('A'..).zip(&weights);
        let lines: Vec<String> =
            letters.map(|(letter, weight)| format!("{letter} weight={weight} fail_timeout=1")).collect();
        let mut both = Both::new(Method::RoundRobin, group::members(&lines.join(";")), 0);
        let mut running = Vec::new();
        for (calm, what) in interruptions {
            both.run(vec![Event::Calm(calm)]);
            let Some(one) = both.begin(0) else { continue };
            match what {
                0 => both.release(&one, true),
                1 => {
                    both.release(&one, true);
                    running.extend(both.pick(one.walk, one.request));
                }
                2 => {
                    both.release(&one, false);
                    both.now += 2;
                }
                _ => both.release(&one, false),
            }
        }
        for one in running {
            both.release(&one, false);
        }
        both.at_rest();
    }
}

/// HS-3, CH-4, IP-3, RN-1: with most draws in vain the methods give way, and do it as the model does.
#[test]
fn who_draws_in_vain_too_often_goes_in_turn() {
    for method in &METHODS[2..] {
        let members = group::members("A weight=199 max_fails=1; B; C; D backup");
        let mut both = Both::new(*method, members, 7);
        let first = both.begin(1).expect("all are free");
        both.release(&first, false);
        both.turn_over(0);
        let mut in_vain = 0;
        for number in 0..=255 {
            let one = both.begin(number).expect("two are free");
            in_vain += u32::from(one.request.misses > 20);
            both.release(&one, true);
            let again = both.pick(one.walk, one.request).expect("one is");
            both.release(&again, false);
            both.now += 11;
        }
        assert!(in_vain > 20, "{method:?}: {in_vain}");
    }
}
