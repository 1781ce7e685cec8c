use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::standing::{Look, Standing};
use crate::upstream::config::HealthCheck;

/// One membership of a server; nobody gets it a second time.
pub(super) type Ticket = u64;

/// Whom to look at next, of all servers of a group: told of members and looks, and of the time.
#[derive(Debug)]
pub(super) struct Rounds {
    check: HealthCheck,
    seed: u64,
    joined: Ticket,
    servers: HashMap<Ticket, Server>,
    tickets: HashMap<Arc<str>, Ticket>,
    /// Those that are not being looked at.
    queue: BTreeSet<(Duration, Ticket)>,
}

#[derive(Debug)]
struct Server {
    address: Arc<str>,
    standing: Standing,
    begun: Duration,
}

impl Rounds {
    pub(super) fn new(check: HealthCheck, seed: u64) -> Self {
        Self {
            check,
            seed,
            joined: 0,
            servers: HashMap::new(),
            tickets: HashMap::new(),
            queue: BTreeSet::new(),
        }
    }

    /// These are the members from now on; an address is looked at once, however often it is named.
    /// The first looks at newcomers are spread over the time of unsure pauses, the first at once.
    pub(super) fn members(&mut self, addresses: impl IntoIterator<Item = Arc<str>>, now: Duration) {
        let mut named = HashSet::new();
        let addresses: Vec<_> = addresses.into_iter().collect();
        let addresses = addresses.iter().filter(|a| named.insert(Arc::clone(a)));
        let known = |address: &&Arc<str>| self.tickets.contains_key(&***address);
        let fresh: Vec<_> = addresses.filter(|a| !known(a)).cloned().collect();
        self.servers.retain(|ticket, server| {
            let stays = named.contains(&server.address);
            if !stays {
                self.queue.remove(&(server.standing.due(), *ticket));
                self.tickets.remove(&server.address);
            }
            stays
        });
        let within = self.check.unsure.min(self.check.interval);
        let count = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        for (nth, address) in (0..).zip(fresh) {
            let due = now.saturating_add((within / count).saturating_mul(nth));
            self.join(address, due);
        }
    }

    fn join(&mut self, address: Arc<str>, due: Duration) {
        let ticket = self.joined;
        self.joined += 1;
        let seed = self.seed ^ u64::from(crc32fast::hash(address.as_bytes()));
        let standing = Standing::new(due, place(ticket), seed);
        self.queue.insert((due, ticket));
        self.tickets.insert(Arc::clone(&address), ticket);
        let server = Server {
            address,
            standing,
            begun: due,
        };
        self.servers.insert(ticket, server);
    }

    /// When the next look is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Begins a look that is due.
    pub(super) fn begin(&mut self, now: Duration) -> Option<(Ticket, Arc<str>)> {
        let (due, ticket) = *self.queue.first()?;
        if due > now {
            return None;
        }
        self.queue.pop_first();
        let server = self.servers.get_mut(&ticket)?;
        server.begun = now;
        Some((ticket, Arc::clone(&server.address)))
    }

    /// A look that was begun is over. The address and its verdict, if that is new.
    pub(super) fn ended(
        &mut self,
        ticket: Ticket,
        look: Look,
        now: Duration,
    ) -> Option<(Arc<str>, bool)> {
        // Gone meanwhile: nobody asks any more.
        let server = self.servers.get_mut(&ticket)?;
        let changed = server.standing.looked(look, server.begun, now, &self.check);
        self.queue.insert((server.standing.due(), ticket));
        let healthy = server.standing.healthy().filter(|_| changed)?;
        Some((Arc::clone(&server.address), healthy))
    }

    /// Still a member.
    pub(super) fn knows(&self, ticket: Ticket) -> bool {
        self.servers.contains_key(&ticket)
    }

    /// Every verdict there is.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = (&str, bool)> {
        let servers = self.servers.values();
        servers.filter_map(|server| Some((&*server.address, server.standing.healthy()?)))
    }
}

/// Multiples of the golden ratio, taken modulo 1, lie evenly however many there are.
fn place(ticket: Ticket) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    // Tickets beyond 2^32 would lose their digits; by then it does not matter where they start again.
    ((f64::from(ticket as u32) + 1.0) * GOLDEN).fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn names(count: usize) -> Vec<Arc<str>> {
        (0..count)
            .map(|n| format!("10.0.0.{n}:80").into())
            .collect()
    }

    fn rounds(count: usize) -> Rounds {
        let mut rounds = Rounds::new(HealthCheck::tcp(), 1);
        rounds.members(names(count), ms(0));
        rounds
    }

    /// Looks that take no time, as they come due, until then: when and at whom.
    fn run(rounds: &mut Rounds, until: Duration) -> Vec<(Duration, Arc<str>)> {
        let mut seen = Vec::new();
        while let Some(due) = rounds.due().filter(|due| *due < until) {
            let (ticket, address) = rounds.begin(due).unwrap();
            rounds.ended(ticket, Look::Passed, due);
            seen.push((due, address));
        }
        seen
    }

    #[test]
    fn everybody_is_looked_at_soon_and_not_at_once() {
        let mut rounds = rounds(4);
        let seen = run(&mut rounds, ms(1000));
        let times: Vec<_> = seen.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(times, [0, 250, 500, 750]);
        let addresses: Vec<_> = seen.into_iter().map(|(_, address)| address).collect();
        assert_eq!(addresses, names(4));
    }

    /// Of a hundred servers looked at every 5 s, about twenty in each second. Jitter makes it chance,
    /// but gathers nobody.
    #[test]
    fn looks_at_many_are_spread_over_the_interval() {
        for (jitter, share) in [(0, 16..=24), (10, 0..=40), (100, 0..=40)] {
            let mut rounds = Rounds::new(HealthCheck::tcp().jitter(jitter), 1);
            rounds.members(names(100), ms(0));
            let seen = run(&mut rounds, ms(120_000));
            for second in 10..120 {
                let within = |at: &Duration| at.as_secs() == second;
                let looks = seen.iter().filter(|(at, _)| within(at)).count();
                assert!(share.contains(&looks), "{jitter}%: {looks} in {second}");
            }
            for name in names(100) {
                let looks = seen.iter().filter(|(_, address)| *address == name).count();
                assert!((12..=25).contains(&looks), "{jitter}%: {looks} at {name}");
            }
        }
    }

    #[test]
    fn a_seed_repeats_itself() {
        let seen = run(&mut rounds(10), ms(60_000));
        assert_eq!(seen, run(&mut rounds(10), ms(60_000)));
        let mut other = Rounds::new(HealthCheck::tcp(), 2);
        other.members(names(10), ms(0));
        assert_ne!(seen, run(&mut other, ms(60_000)));
    }

    #[test]
    fn a_server_is_looked_at_once_at_a_time() {
        let mut rounds = rounds(1);
        let (ticket, _) = rounds.begin(ms(0)).unwrap();
        assert_eq!((rounds.due(), rounds.begin(ms(60_000))), (None, None));
        let told = rounds.ended(ticket, Look::Passed, ms(60_000));
        assert_eq!(told, Some((names(1)[0].clone(), true)));
        assert_eq!(rounds.due(), Some(ms(60_000)));
    }

    #[test]
    fn newcomers_are_looked_at_and_those_who_left_are_forgotten() {
        let mut rounds = rounds(2);
        let (leaving, _) = rounds.begin(ms(0)).unwrap();
        let (staying, _) = rounds.begin(ms(500)).unwrap();
        assert!(rounds.ended(staying, Look::Passed, ms(500)).is_some());
        let due = rounds.due();
        // The first goes while it is looked at; a third comes, named twice.
        let [gone, kept, new] = [0, 1, 2].map(|n| names(3)[n].clone());
        rounds.members([kept.clone(), new.clone(), new.clone()], ms(600));
        assert!(!rounds.knows(leaving) && rounds.knows(staying));
        assert_eq!(rounds.ended(leaving, Look::Failed, ms(700)), None);
        assert_eq!(rounds.verdicts().collect::<Vec<_>>(), [(&*kept, true)]);
        assert_eq!(rounds.begin(ms(700)).map(|(_, address)| address), Some(new));
        assert_eq!(rounds.due(), due, "who stays keeps its time");
        // Who comes back has no past.
        rounds.members([kept, gone.clone()], ms(800));
        assert_eq!(rounds.begin(ms(800)).map(|(_, a)| a), Some(gone));
        rounds.members([], ms(900));
        assert_eq!((rounds.due(), rounds.verdicts().count()), (None, 0));
    }
}
