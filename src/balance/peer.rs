use std::sync::Arc;
use std::time::Duration;

use super::affinity::Route;
use super::peers::{PeerId, Verdict};
use super::setup::{Member, PeerConfig, Setup};
use super::times::AnswerTimes;
use crate::breaker::{Circuit, FailureRule, FailureRules, Silence, State};

/// One peer: everything known of it on one page.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Weights are scaled by [`Peer::unit`].
    pub(super) weight: i64,
    pub(super) effective_weight: i64,
    pub(super) current_weight: i64,
    /// What a method that compares loads made of it in this pick; `None`: it may not be chosen.
    pub(super) load: Option<u64>,
    pub(super) conns: u32,
    max_conns: u32,
    /// Down, drained or unhealthy: no request chooses it.
    pub(super) out_of_use: bool,
    /// Until when the failure rule keeps it out; zero when it does not.
    pub(super) barred_until: Duration,
    pub(super) slot: u32,
    pub(super) silence: Silence,
    pub(super) times: AnswerTimes,
    /// When it joined or returned, while it comes up to its share.
    ramp: Option<Duration>,
    /// What one failure costs: weight / max_fails, rounded down (MF-4).
    penalty: i64,
    circuit: Circuit,
    /// Bumped by every failure, so that a success begun before one can be told from a later one.
    pub(super) generation: u32,
    /// Never another peer's.
    pub(super) serial: u32,
    /// The membership it came with.
    pub(super) version: u64,
    pub(super) name: Arc<str>,
    pub(super) origin: Arc<str>,
    pub(super) route: Option<Route>,
    config: PeerConfig,
    healthy: Option<bool>,
    ejections: u64,
    withheld: u64,
    suspicions: u64,
    suspected: bool,
}

/// A peer as it stands, for status pages and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerState {
    /// Its address, as logs show it.
    pub name: Arc<str>,
    /// Closed, Open or HalfOpen, in the moment asked about: what passive failures come to. A ban that
    /// the cap or shadow mode withheld leaves it Closed.
    pub state: State,
    /// What active checks say, if there are any.
    pub healthy: Option<bool>,
    /// Failures that still count.
    pub fails: u32,
    /// Attempts in flight.
    pub in_flight: u32,
    /// Since the wall clock's epoch: when a banned peer may be chosen again.
    pub returns_at: Option<Duration>,
    /// Configured weight.
    pub weight: u32,
    /// Weight as failures and slow start have left it; rounded down.
    pub effective_weight: u32,
    /// Marked `down`.
    pub down: bool,
    /// Marked `drain`.
    pub drain: bool,
    /// One of the backups.
    pub backup: bool,
    /// It keeps requests waiting and gets no more than a few until it answers one.
    pub suspected: bool,
    /// How often the failure rule took it out.
    pub ejections: u64,
    /// How often it would have been taken out, but for the cap or for shadow mode.
    pub withheld: u64,
    /// How often it was suspected, or would have been in shadow mode.
    pub suspicions: u64,
}

impl Peer {
    pub(super) fn new(member: &Member, setup: &Setup, ramp: Option<Duration>) -> Self {
        let config = member.config;
        let weight = i64::from(config.weight.max(1)) * Self::unit(setup);
        Self {
            weight,
            effective_weight: weight,
            current_weight: 0,
            load: None,
            conns: 0,
            max_conns: config.max_conns,
            out_of_use: config.down || config.drain || member.healthy == Some(false),
            barred_until: Duration::ZERO,
            slot: 0,
            silence: Silence::default(),
            times: AnswerTimes::default(),
            ramp: ramp.filter(|_| setup.slow_start.is_some()),
            penalty: penalty(&config) * Self::unit(setup),
            circuit: circuit(&config, setup),
            generation: 0,
            serial: 0,
            version: 0,
            name: Arc::clone(&member.name),
            origin: Arc::clone(&member.origin),
            route: member.route,
            config,
            healthy: member.healthy,
            ejections: 0,
            withheld: 0,
            suspicions: 0,
            suspected: false,
        }
    }

    /// What a weight of 1 is: with slow start there have to be parts of it. A common factor changes
    /// no choice.
    pub(super) fn unit(setup: &Setup) -> i64 {
        if setup.slow_start.is_some() { 100 } else { 1 }
    }

    /// Takes over what configuration says now; the past stays.
    pub(super) fn reconfigure(&mut self, member: &Member, setup: &Setup) {
        let config = member.config;
        self.route = member.route;
        if config == self.config {
            return;
        }
        let weight = i64::from(config.weight.max(1)) * Self::unit(setup);
        if weight != self.weight {
            (self.weight, self.effective_weight, self.current_weight) = (weight, weight, 0);
        }
        let rule = |config: &PeerConfig| (config.max_fails, config.fail_timeout);
        if rule(&config) != rule(&self.config) {
            self.circuit = circuit(&config, setup);
            self.barred_until = Duration::ZERO;
        }
        self.penalty = penalty(&config) * Self::unit(setup);
        self.max_conns = config.max_conns;
        self.config = config;
        self.look_again();
    }

    fn look_again(&mut self) {
        self.out_of_use = self.config.down || self.config.drain || self.healthy == Some(false);
    }

    /// Down or unhealthy: not even a request bound to it.
    pub(super) fn refuses_bound(&self) -> bool {
        self.config.down || self.healthy == Some(false)
    }

    /// It counts among the tries of a request (TR-1, SK-6).
    pub(super) fn usable(&self) -> bool {
        !self.config.down && !self.config.drain
    }

    /// An active check says so, or has nothing to say any more. True when this changes anything.
    pub(super) fn set_health(
        &mut self,
        healthy: Option<bool>,
        now: Duration,
        setup: &Setup,
    ) -> bool {
        if self.healthy == healthy {
            return false;
        }
        // It returns. That a peer is well of which nothing was known is no return.
        if self.healthy == Some(false) && setup.slow_start.is_some() {
            self.ramp = Some(now);
        }
        self.healthy = healthy;
        self.look_again();
        true
    }

    pub(super) fn barred(&self, now: Duration) -> bool {
        now < self.barred_until
    }

    /// Comes up to its share, and is not there yet.
    pub(super) fn grows(&self, now: Duration, setup: &Setup) -> bool {
        let ramp = self.ramp.zip(setup.slow_start);
        ramp.is_some_and(|(since, slow)| now.saturating_sub(since) < slow.window)
    }

    fn share(&self, now: Duration, setup: &Setup) -> f64 {
        match self.ramp.zip(setup.slow_start) {
            Some((since, slow)) => slow.share(now.saturating_sub(since)),
            None => 1.0,
        }
    }

    /// The most its weight may be at this time.
    pub(super) fn top(&self, now: Duration, setup: &Setup) -> i64 {
        match self.ramp {
            None => self.weight,
            Some(_) => ((self.weight as f64 * self.share(now, setup)) as i64).max(1),
        }
    }

    pub(super) fn full(&self, now: Duration, setup: &Setup) -> bool {
        if self.max_conns == 0 {
            return false;
        }
        let most = match self.ramp {
            None => self.max_conns,
            Some(_) => ((f64::from(self.max_conns) * self.share(now, setup)) as u32).max(1),
        };
        self.conns >= most
    }

    pub(super) fn limited(&self) -> bool {
        self.max_conns != 0
    }

    /// True when the attempt is the probe that ends a ban.
    pub(super) fn book(&mut self, now: Duration) -> bool {
        let trial = self.circuit.state(now) == State::HalfOpen;
        self.circuit.picked(now);
        self.conns += 1;
        self.enforced_anew();
        trial
    }

    /// An attempt from before the ban, or beside its probe: rules that listen to the probe alone are
    /// not told. NGINX's listens to everybody (MF-6, W8).
    pub(super) fn straggles(&self, id: &PeerId, setup: &Setup) -> bool {
        setup.failure_rule != FailureRules::MaxFails
            && !id.trial
            && self.circuit.barred_until().is_some()
    }

    fn enforced_anew(&mut self) {
        if self.barred_until != Duration::ZERO {
            self.barred_until = self.circuit.barred_until().unwrap_or_default();
        }
    }

    /// True when the rule would have it out of use from now on.
    pub(super) fn failed(&mut self, now: Duration) -> bool {
        self.generation = self.generation.wrapping_add(1);
        self.effective_weight = (self.effective_weight - self.penalty).max(0);
        let out = self.circuit.failed(now);
        self.enforced_anew();
        out
    }

    /// The rule's word is carried out, or only counted.
    pub(super) fn eject(&mut self, enforced: bool) {
        if !enforced {
            self.withheld += 1;
            return;
        }
        let until = self.circuit.barred_until().unwrap_or_default();
        self.ejections += u64::from(self.barred_until == Duration::ZERO);
        self.barred_until = until;
    }

    pub(super) fn succeeded(&mut self, now: Duration, setup: &Setup) {
        let was_out = self.barred_until != Duration::ZERO;
        self.circuit.succeeded(now);
        self.enforced_anew();
        if was_out && self.barred_until == Duration::ZERO && setup.slow_start.is_some() {
            self.ramp = Some(now);
        }
    }

    pub(super) fn abandoned(&mut self, now: Duration) {
        self.circuit.abandoned(now);
        self.enforced_anew();
    }

    /// LT-3 to LT-5.
    pub(super) fn expected(&mut self, by_header: bool, inflight: bool, now: Duration) -> u64 {
        let fail_timeout = self.config.fail_timeout;
        self.times.expected(by_header, inflight, fail_timeout, now)
    }

    pub(super) fn fail_timeout(&self) -> u64 {
        self.config.fail_timeout
    }

    /// Counts how often suspicion begins.
    pub(super) fn note_suspicion(&mut self, suspected: bool) {
        self.suspicions += u64::from(suspected && !self.suspected);
        self.suspected = suspected;
    }

    /// An attempt is over: what it says of times.
    pub(super) fn measure(&mut self, id: &PeerId, verdict: Verdict, now: Duration, setup: &Setup) {
        let took = now.saturating_sub(id.begun);
        match (id.answered, verdict) {
            (Some(answered), Verdict::Ok | Verdict::OkIfCurrent) if !id.moved_on => {
                if !id.header_counted {
                    self.times.header(answered.saturating_sub(id.begun));
                }
                self.times.response(took);
            }
            (None, _) => {
                if let Some(rule) = &setup.slow_fault {
                    self.silence.gave_up(now, id.probe, rule);
                }
                if verdict == Verdict::Failed {
                    self.times.took(took, true, now);
                }
            }
            (Some(_), _) => {}
        }
        if verdict == Verdict::Failed {
            self.times.failed(now);
        }
        if id.answered.is_none() || !setup.method.waits_for_headers() {
            self.times.left(id.begun, now);
        }
    }

    pub(super) fn as_of(
        &self,
        now: Duration,
        backup: bool,
        suspected: bool,
        unit: i64,
    ) -> PeerState {
        // What the cap or shadow mode withheld keeps nobody away.
        let until = self.circuit.barred_until();
        let until = until.filter(|_| self.barred_until != Duration::ZERO);
        PeerState {
            name: Arc::clone(&self.name),
            state: State::of(until, now),
            healthy: self.healthy,
            fails: self.circuit.fails(),
            in_flight: self.conns,
            returns_at: until,
            weight: (self.weight / unit) as u32,
            effective_weight: (self.effective_weight / unit) as u32,
            down: self.config.down,
            drain: self.config.drain,
            backup,
            suspected,
            ejections: self.ejections,
            withheld: self.withheld,
            suspicions: self.suspicions,
        }
    }
}

fn penalty(config: &PeerConfig) -> i64 {
    match config.max_fails {
        0 => 0,
        max_fails => i64::from(config.weight.max(1)) / i64::from(max_fails),
    }
}

fn circuit(config: &PeerConfig, setup: &Setup) -> Circuit {
    let timeout = Duration::from_secs(config.fail_timeout);
    setup.failure_rule.circuit(config.max_fails, timeout)
}
