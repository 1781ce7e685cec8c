use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use super::looks::Looks;
use super::probe;
use super::rounds::{Rounds, Ticket};
use super::standing::Look;
use crate::clock;
#[cfg(feature = "tls")]
use crate::connect::Tls;
use crate::error::BoxError;
use crate::timeout::Timer;
use crate::upstream::config::{ConfigError, HealthCheck};
use crate::upstream::{Changes, Group, Members};

/// A server that requests may choose from now on, or no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Its address, as logs show it.
    pub address: Arc<str>,
    /// What the looks at it say now.
    pub healthy: bool,
    /// Why the last one failed, if it is unhealthy.
    pub failure: Option<Failure>,
}

type Probing = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// The active checks of one group, to be run beside it; see the [room](crate::health).
///
/// From the moment it is made its verdicts hold; dropped, it takes them back, and only passive
/// failures count. One is enough for a group, whatever the number of its workers; another one takes
/// over, verdicts and all, and the first ends.
#[must_use = "checks do nothing unless run"]
pub struct Checks {
    members: Held,
    changes: Changes,
    rounds: Rounds,
    /// The lines that addresses come from.
    origins: HashMap<Arc<str>, Arc<str>>,
    look: probe::Look,
    /// In the place of that.
    probe: Option<Box<dyn Fn(Arc<str>) -> Probing + Send + Sync>>,
    report: Box<dyn FnMut(&Change) + Send>,
    timeout: Duration,
    started: Instant,
}

/// Members, while somebody checks them, and this one's number.
struct Held(Members, u64);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.end_checks(self.1);
    }
}

impl Checks {
    /// The checks that the group's configuration asks for, if it does.
    pub fn of(group: &Group) -> Option<Self> {
        let check = group.config().health_check.clone()?;
        // Looked at when the group was built.
        Self::new(group, check).ok()
    }

    /// Checks of a group.
    ///
    /// # Errors
    ///
    /// Everything that makes no sense.
    pub fn new(group: &Group, check: HealthCheck) -> Result<Self, ConfigError> {
        let problems = check.problems();
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        let look = probe::Look::new(&check, group.name());
        let look = look.map_err(|error| ConfigError::new(vec![error.to_string()]))?;
        let members = group.members();
        let checker = members.begin_checks(check.mandatory);
        Ok(Self {
            changes: members.changes(),
            members: Held(members, checker),
            timeout: check.timeout,
            rounds: Rounds::new(check, fastrand::u64(..)),
            origins: HashMap::new(),
            look,
            probe: None,
            report: Box::new(|_| {}),
            started: clock::now(),
        })
    }

    /// Hears of every server that requests may choose from now on, or no longer, once for each time.
    pub fn report(mut self, hear: impl FnMut(&Change) + Send + 'static) -> Self {
        self.report = Box::new(hear);
        self
    }

    /// Looks in another way than the configuration says: at an address, for as long as the timeout
    /// lets it. An error is a look that failed; [`Failure::Exhausted`] is none at all.
    ///
    /// ```
    /// use tower_upstream::health::Checks;
    /// use tower_upstream::{BoxError, Group, GroupConfig, HealthCheck, Server};
    ///
    /// # async fn ping(_: &str) -> Result<String, BoxError> { Ok("pong".into()) }
    /// # fn main() -> Result<(), BoxError> {
    /// let mut config = GroupConfig::new("orders");
    /// config.servers = vec![Server::new("127.0.0.1:8080")];
    /// let checks = Checks::new(&Group::new(config)?, HealthCheck::default())?;
    /// let checks = checks.probe(|address| async move {
    ///     match ping(&address).await?.as_str() {
    ///         "pong" => Ok(()),
    ///         other => Err(other.into()),
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn probe<P, F>(mut self, probe: P) -> Self
    where
        P: Fn(Arc<str>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.probe = Some(Box::new(move |address| {
            let looking = probe(address);
            Box::pin(async move { Ok(looking.await?) })
        }));
        self
    }

    /// HTTP looks go over TLS, as requests do in an upstream
    /// [`over_tls`](crate::Upstream::over_tls); a TCP look only connects.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.look.over(tls);
        self
    }

    /// Checks until the group is gone, or others have taken over. Needs a Tokio runtime with time and network.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any moment: looks under way are given up, and the verdicts taken back.
    pub async fn run(mut self) {
        let mut looks = Looks::default();
        self.learn(&mut looks);
        loop {
            if !self.members.0.is_checked_by(self.members.1) {
                return;
            }
            self.begin(&mut looks);
            match self.next(&mut looks).await {
                Event::Due => {}
                Event::Changed => self.learn(&mut looks),
                Event::Looked(ticket, result) => self.ended(ticket, result),
                Event::Gone => return,
            }
        }
    }

    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.started)
    }

    /// Who is a member.
    fn learn(&mut self, looks: &mut Looks) {
        let now = self.now();
        let members = self.members.0.in_use();
        let addresses = members.iter().map(|(address, _)| Arc::clone(address));
        self.rounds.members(addresses, now);
        self.origins = members.into_iter().collect();
        // Who left and returned before anybody noticed has lost its verdict.
        for (address, healthy) in self.rounds.verdicts() {
            self.members.0.set_health(address, healthy);
        }
        looks.abort_unless(|ticket| self.rounds.knows(ticket));
    }

    /// Begins the looks that are due.
    fn begin(&mut self, looks: &mut Looks) {
        let now = self.now();
        while looks.has_room() {
            let Some((ticket, address)) = self.rounds.begin(now) else {
                return;
            };
            let limit = self.timeout;
            let looking: Probing = match &self.probe {
                Some(probe) => probe(address),
                None => {
                    let origin = self.origins.get(&address).unwrap_or(&address).clone();
                    Box::pin(self.look.clone().at(address, origin))
                }
            };
            looks.begin(ticket, async move {
                match tokio::time::timeout(limit, looking).await {
                    Ok(result) => result,
                    Err(_) => Err(Failure::Timeout),
                }
            });
        }
    }

    async fn next(&mut self, looks: &mut Looks) -> Event {
        let due = self.rounds.due().filter(|_| looks.has_room());
        let due = due.map(|due| clock::after(self.started, due));
        let mut timer = due.map(Timer::new);
        let mut changed = pin!(self.changes.next());
        poll_fn(|cx| {
            if let Poll::Ready(stays) = changed.as_mut().poll(cx) {
                return Poll::Ready(if stays { Event::Changed } else { Event::Gone });
            }
            if let Poll::Ready(Some((ticket, result))) = looks.poll_ended(cx) {
                return Poll::Ready(Event::Looked(ticket, result));
            }
            match (&mut timer, due) {
                (Some(timer), Some(due)) => timer.poll_until(due, cx).map(|()| Event::Due),
                _ => Poll::Pending,
            }
        })
        .await
    }

    fn ended(&mut self, ticket: Ticket, result: Result<(), Failure>) {
        let look = match &result {
            Ok(()) => Look::Passed,
            Err(Failure::Exhausted(_)) => Look::Blind,
            Err(_) => Look::Failed,
        };
        let now = self.now();
        let Some((address, healthy)) = self.rounds.ended(ticket, look, now) else {
            return;
        };
        if self.members.0.set_health(&address, healthy) {
            let failure = result.err();
            (self.report)(&Change {
                address,
                healthy,
                failure,
            });
        }
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks")
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

enum Event {
    Due,
    Changed,
    Looked(Ticket, Result<(), Failure>),
    Gone,
}
