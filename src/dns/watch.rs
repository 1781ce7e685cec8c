use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::answer::{Answer, Failure, Site};
use super::target::{Member, Target};
use crate::upstream::config::ResolverConfig;

/// How long it is believed that a name does not exist, where `valid=` does not say.
const ABSENT: Duration = Duration::from_secs(10);

/// Lifetimes are whole seconds that began within one: an answer is surely old this much later.
const SURELY_OLD: Duration = Duration::from_secs(1);

/// What is known of one target, and when it is to be looked at again (DN-2, DN-4).
///
/// It is told what each look brought, and the time; it asks nobody itself. Times are counted from
/// any moment the caller likes.
#[derive(Clone, Debug)]
pub struct Watch {
    target: Target,
    valid: Option<Duration>,
    pause: Duration,
    /// Each SRV target's last good answer.
    remembered: HashMap<String, Vec<IpAddr>>,
    members: Option<Vec<Member>>,
    due: Duration,
    troubles: Vec<String>,
}

impl Watch {
    /// Nothing is known yet, and a look is due at once.
    pub fn new(target: Target, config: &ResolverConfig) -> Self {
        Self {
            target,
            valid: config.valid.filter(|valid| !valid.is_zero()),
            pause: config.timeout.max(Duration::from_secs(1)),
            remembered: HashMap::new(),
            members: None,
            due: Duration::ZERO,
            troubles: Vec::new(),
        }
    }

    /// What is looked up.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// When the next look is due.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// The peers, in the order in which they became known; none before the first answer.
    pub fn members(&self) -> &[Member] {
        self.members.as_deref().unwrap_or_default()
    }

    /// Whether there has been an answer, if only that there are none.
    pub fn is_answered(&self) -> bool {
        self.members.is_some()
    }

    /// What went wrong with the last look, in the words of NGINX's error log.
    pub fn troubles(&self) -> &[String] {
        &self.troubles
    }

    /// Takes in what a look brought. True when [`members`](Self::members) are others than before,
    /// or known for the first time.
    pub fn answered(&mut self, answer: Answer<Vec<Site>>, now: Duration) -> bool {
        self.troubles.clear();
        let (sites, ttl) = match answer {
            Answer::Found { records, ttl } => (records, ttl),
            Answer::Absent => return self.absent(now),
            Answer::Failed(failure) => return self.failed(&failure, now),
        };
        let heard = self.hear(sites, ttl);
        if heard.places.is_empty() {
            return match heard.failure {
                Some(failure) if !heard.absent => self.failed(&failure, now),
                _ => self.absent(now),
            };
        }
        let pause = heard.failure.map(|_| self.pause);
        let lasts = self.lasting(heard.ttl);
        self.due = now + pause.map_or(lasts, |pause| pause.min(lasts));
        let found = self.rank(heard.places);
        self.settle(found)
    }

    /// An answer with this lifetime is used so long.
    fn lasting(&self, ttl: Duration) -> Duration {
        self.valid.unwrap_or(ttl) + SURELY_OLD
    }

    fn absent(&mut self, now: Duration) -> bool {
        if self.troubles.is_empty() {
            self.complain(&Failure::NOT_FOUND);
        }
        self.remembered.clear();
        self.due = now + self.lasting(ABSENT);
        self.settle(Vec::new())
    }

    /// The last good answer stays.
    fn failed(&mut self, failure: &Failure, now: Duration) -> bool {
        if self.troubles.is_empty() {
            self.complain(failure);
        }
        self.due = now + self.pause;
        false
    }

    fn complain(&mut self, failure: &Failure) {
        let host = self.target.host();
        self.troubles.push(match &self.target.line().service {
            None => format!("{host} could not be resolved ({failure})"),
            Some(service) => {
                format!("service {service} of {host} could not be resolved ({failure})")
            }
        });
    }
}

/// One look's harvest: sites that have addresses.
struct Heard {
    places: Vec<(Site, Vec<IpAddr>)>,
    ttl: Duration,
    failure: Option<Failure>,
    absent: bool,
}

impl Watch {
    /// Sorts out what became of each site. One whose own lookup failed is where it was before.
    fn hear(&mut self, sites: Vec<Site>, ttl: Duration) -> Heard {
        let before = std::mem::take(&mut self.remembered);
        let mut heard = Heard {
            places: Vec::new(),
            ttl,
            failure: None,
            absent: sites.is_empty(),
        };
        for mut site in sites {
            let addresses = match std::mem::replace(&mut site.addresses, Answer::Absent) {
                Answer::Found { records, ttl } if !records.is_empty() => {
                    heard.ttl = heard.ttl.min(ttl);
                    records
                }
                Answer::Found { .. } | Answer::Absent => {
                    heard.absent = true;
                    self.complain_of(&site, &Failure::NOT_FOUND);
                    continue;
                }
                Answer::Failed(failure) => {
                    self.complain_of(&site, &failure);
                    heard.failure = Some(failure);
                    match before.get(&site.host) {
                        Some(addresses) => addresses.clone(),
                        None => continue,
                    }
                }
            };
            self.remembered.insert(site.host.clone(), addresses.clone());
            heard.places.push((site, addresses));
        }
        heard
    }

    fn complain_of(&mut self, site: &Site, failure: &Failure) {
        if let Some(service) = &self.target.line().service {
            self.troubles.push(format!(
                "{} could not be resolved ({failure}) while resolving service {service} of {}",
                site.host,
                self.target.host()
            ));
        }
    }

    /// Primaries and backups (DN-4). An address is one peer, however often it is named.
    fn rank(&self, mut places: Vec<(Site, Vec<IpAddr>)>) -> Vec<Member> {
        let line = self.target.line();
        places.sort_by_key(|(site, _)| site.priority);
        let first = places.first().map(|(site, _)| site.priority);
        let mut members: Vec<Member> = Vec::new();
        for (site, addresses) in places {
            let behind = Some(site.priority) != first;
            if line.backup && behind {
                break;
            }
            if site.port == 0 {
                // Nobody listens there.
                continue;
            }
            let weight = match (&line.service, line.weight) {
                (Some(_), 1) => u32::from(site.weight.max(1)),
                (_, weight) => weight,
            };
            let origin = match &line.service {
                Some(_) => site.host.to_ascii_lowercase(),
                None => line.address.clone(),
            };
            for ip in addresses {
                let address = SocketAddr::new(ip, site.port);
                if members.iter().all(|member| member.address != address) {
                    members.push(Member {
                        address,
                        origin: origin.clone(),
                        weight,
                        backup: line.backup || behind,
                    });
                }
            }
        }
        members
    }

    /// Those who stay keep their places, new ones come behind them.
    fn settle(&mut self, mut found: Vec<Member>) -> bool {
        let mut members = Vec::with_capacity(found.len());
        for known in self.members() {
            let stays = |new: &Member| (new.address, new.backup) == (known.address, known.backup);
            if let Some(at) = found.iter().position(stays) {
                members.push(found.remove(at));
            }
        }
        members.append(&mut found);
        let changed = self.members.as_ref() != Some(&members);
        self.members = Some(members);
        changed
    }
}

#[cfg(test)]
mod tests;
