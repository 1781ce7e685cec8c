//! What holds for every method, every rule and any events: whom a request may be given, and that it
//! is given somebody as long as there is somebody.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tower_upstream::Semantics;
use tower_upstream::balance::{
    Affinity, Ending, Key, Lease, Member, Method, PeerState, Roster, Setup, Walk,
};
use tower_upstream::breaker::State;

use super::any::{Event, POOL, event, pool, route, setup};
use super::group::NOW;

struct Request {
    walk: Walk,
    /// Bound to this member of the pool.
    bound: Option<usize>,
    /// The membership it last picked from.
    version: u32,
    tried: Vec<usize>,
    backup: bool,
}

struct Running {
    request: Request,
    lease: Lease,
    id: usize,
}

struct World {
    setup: Setup,
    pool: Vec<Member>,
    roster: Arc<Roster<usize>>,
    /// Number in the pool, and what this stay of it is known by.
    members: Vec<(usize, usize)>,
    version: u32,
    ids: usize,
    running: Vec<Running>,
}

impl World {
    fn new(setup: Setup, pool: Vec<Member>, mask: u8) -> Self {
        let mut world = Self {
            roster: Arc::new(Roster::new(setup.clone(), Vec::new()).epoch(NOW)),
            setup,
            pool,
            members: Vec::new(),
            version: 0,
            ids: 0,
            running: Vec::new(),
        };
        let members = world.choose(mask);
        world.roster = Arc::new(Roster::new(world.setup.clone(), members).epoch(NOW));
        world
    }

    /// The members of this mask; who was one stays who it was.
    fn choose(&mut self, mask: u8) -> Vec<(Member, usize)> {
        let mut chosen = Vec::new();
        for number in (0..POOL).filter(|number| mask >> number & 1 == 1) {
            let kept = self.members.iter().find(|(old, _)| *old == number);
            let id = kept.map(|(_, id)| *id).unwrap_or_else(|| {
                self.ids += 1;
                self.ids
            });
            chosen.push((number, id));
        }
        self.members = chosen;
        let members = self.members.iter();
        members
            .map(|(number, id)| (self.pool[*number].clone(), *id))
            .collect()
    }

    /// Everybody, as the roster shows them: primaries first.
    fn look(&self) -> Vec<(usize, usize, PeerState)> {
        let side = |backup: bool| {
            let of = move |(number, _): &&(usize, usize)| self.pool[*number].backup == backup;
            self.members.iter().filter(of).copied()
        };
        let states = self.roster.states();
        assert_eq!(states.len(), self.members.len());
        let members = side(false).chain(side(true)).zip(states);
        members
            .map(|((number, id), state)| (number, id, state))
            .collect()
    }

    fn single(&self) -> bool {
        self.members.len() == 1 && !self.pool[self.members[0].0].backup
    }

    /// The caller's failures are not withheld from anybody.
    fn bans_hold(&self) -> bool {
        self.setup.cap.is_none() && !self.setup.shadow && !self.single()
    }

    fn forbidden(&self, number: usize, state: &PeerState, bound: Option<usize>) -> Option<&str> {
        let max = self.pool[number].config.max_conns;
        let reasons = [
            (state.down, "down"),
            (state.drain && bound != Some(number), "drained"),
            (state.healthy == Some(false), "unhealthy"),
            (max != 0 && state.in_flight >= max, "full"),
            (self.bans_hold() && state.state == State::Open, "banned"),
        ];
        reasons.iter().find(|(so, _)| *so).map(|(_, why)| *why)
    }

    /// Beyond doubt: a share that still grows may be as little as one attempt, and what the cap has
    /// left in use looks like any other ban.
    fn surely_free(&self, number: usize, state: &PeerState) -> bool {
        let slow = self.setup.slow_start.is_some() && self.pool[number].config.max_conns != 0;
        self.forbidden(number, state, None).is_none()
            && (state.state != State::Open || self.single())
            && !(slow && state.in_flight > 0)
    }

    fn pick(&mut self, mut request: Request) {
        let seen = self.look();
        let picked = self.roster.pick(&mut request.walk, Instant::now());
        let changed = request.version != self.version;
        if changed && self.setup.semantics == Semantics::Nginx {
            assert!(picked.is_none(), "DN-3: the set has changed");
            return;
        }
        let tried = &request.tried;
        let Some((lease, id)) = picked else {
            let turns_back = !request.backup || changed || self.setup.slow_fault.is_some();
            let missed = seen.iter().find(|(number, id, state)| {
                let listed = self.pool[*number].backup || turns_back;
                listed && !tried.contains(id) && self.surely_free(*number, state)
            });
            assert_eq!(
                missed, None,
                "somebody was free: tried {tried:?} of {seen:?}"
            );
            return;
        };
        let (number, _, state) = seen.iter().find(|seen| seen.1 == id).expect("a member");
        let forbidden = self.forbidden(*number, state, request.bound);
        assert_eq!(forbidden, None, "{state:?} of {seen:?}");
        assert!(!tried.contains(&id), "{id} again, tried {tried:?}");
        request.tried.push(id);
        request.backup = lease.peer().is_backup();
        assert_eq!(request.backup, self.pool[*number].backup);
        request.version = self.version;
        self.running.push(Running { request, lease, id });
    }

    /// Who is asked by requests that are answered and served at once.
    fn calm(&self, count: usize) -> HashSet<usize> {
        let serve = || {
            let (mut lease, id) = self.roster.pick(&mut self.roster.walk(0), Instant::now())?;
            lease.answered(true);
            lease.settle(Ending::Served);
            Some(id)
        };
        std::iter::repeat_with(serve)
            .take(count)
            .flatten()
            .collect()
    }

    fn take(&mut self, at: u8) -> Option<Running> {
        let count = self.running.len();
        (count > 0).then(|| self.running.remove(usize::from(at) % count))
    }

    async fn happens(&mut self, event: Event) {
        match event {
            Event::Begin(key, bound) => {
                let mut walk = self.roster.walk(0);
                walk.bind(Affinity {
                    key: Key::new(vec![key; usize::from(key % 4)]),
                    client: Some([10, 0, key, 1].into()),
                    route: bound.and_then(route),
                });
                self.pick(Request {
                    walk,
                    bound,
                    version: self.version,
                    tried: Vec::new(),
                    backup: false,
                });
            }
            Event::Calm(count) => {
                self.calm(count);
            }
            Event::Answer(at, well) => {
                let count = self.running.len();
                if count > 0 {
                    self.running[usize::from(at) % count].lease.answered(well);
                }
            }
            Event::Retry(at, ending) => {
                if let Some(Running {
                    mut request, lease, ..
                }) = self.take(at)
                {
                    lease.settle(ending);
                    request.walk.spend();
                    if request.walk.tries() > 0 {
                        self.pick(request);
                    }
                }
            }
            Event::End(at, ending) => {
                if let Some(one) = self.take(at) {
                    one.lease.settle(ending);
                }
            }
            Event::Millis(time) => advance(Duration::from_millis(time)).await,
            Event::Health(number, well) => {
                self.roster.set_health(&self.pool[number].name, Some(well))
            }
            Event::Set(mask) => {
                let members = self.choose(mask);
                self.roster.set(members);
                self.version += 1;
            }
        }
        for (_, id, state) in self.look() {
            let own = self.running.iter().filter(|one| one.id == id).count();
            assert_eq!(state.in_flight as usize, own, "{state:?}");
            assert!(state.effective_weight <= state.weight, "{state:?}");
        }
    }
}

fn in_paused_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn who_is_asked_may_be_and_nobody_who_may_is_forgotten(
        setup in setup(),
        pool in pool(),
        mask in any::<u8>(),
        events in prop::collection::vec(event(), 1..120),
    ) {
        in_paused_time(async {
            let mut world = World::new(setup, pool, mask);
            for event in events {
                world.happens(event).await;
            }
            world.running.clear();
            let states = world.roster.states();
            assert!(states.iter().all(|peer| peer.in_flight == 0), "{states:?}");
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..Default::default() })]

    /// Whatever kept somebody out (a ban, a suspicion, a share that has to grow), when it is over it
    /// is seen to be over.
    #[test]
    fn nobody_is_left_out_for_ever(
        mut setup in setup(),
        pool in pool(),
        mask in 1u8..,
        events in prop::collection::vec(event(), 1..60),
    ) {
        setup.method = Method::RoundRobin;
        in_paused_time(async {
            let mut world = World::new(setup, pool, mask);
            for event in events {
                world.happens(event).await;
            }
            world.calm(1000);
            if world.setup.slow_fault.is_some() {
                // A probe that nobody answers rightly keeps its place.
                world.running.clear();
                world.calm(1000);
            }
            // Longer than the longest ban. What is running goes on.
            advance(Duration::from_secs(400)).await;
            // The first ones may be probes, after which there may be a share that has to grow, and
            // weights have to come back.
            world.calm(1000);
            advance(Duration::from_secs(10)).await;
            world.calm(1000);
            let asked = world.calm(1000);
            let seen = world.look();
            let backups = seen.iter().all(|(number, _, state)| {
                state.backup || world.forbidden(*number, state, None).is_some()
            });
            for (number, id, state) in &seen {
                let awaited = world.forbidden(*number, state, None).is_none()
                    && state.backup == backups;
                assert_eq!(asked.contains(id), awaited, "{state:?} of {seen:?}");
            }
        });
    }
}
