use tower_upstream::nginx::{
    ConnectionLimits, ConnectionZone, Directive, LogLevel, RequestLimits, RequestZone, units,
};

use super::shared::{self, Shared};
use crate::config::{ConnectionCounts, Level, LimitConnections, LimitRequests, RequestAccounts};

/// The zones of limits, and the names that NGINX would give to shared memory: each has one use.
#[derive(Default)]
pub(crate) struct Zones {
    taken: Vec<(String, Use, u64)>,
    /// `limit_req_zone`s.
    pub(crate) requests: Vec<RequestAccounts>,
    /// `limit_conn_zone`s.
    pub(crate) connections: Vec<ConnectionCounts>,
    /// Those that could not be read, or are asked for and not there: said once.
    missing: Vec<String>,
}

/// What a zone is for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Upstream,
    Requests,
    Connections,
    Sessions,
}

/// Whether the name is free for a cache of TLS sessions, or names one of that size.
pub(crate) fn sessions(d: &Directive, name: &str, bytes: u64, shared: &mut Shared) -> bool {
    take(d, name, Use::Sessions, bytes, shared)
}

/// Reads an `upstream` or a zone of the `http` level, in order of appearance.
pub(crate) fn zone(d: &Directive, shared: &mut Shared) {
    match d.name() {
        "upstream" => {
            for zone in d.children().iter().filter(|d| d.name() == "zone") {
                let bytes = units::size(zone.arg(1)).unwrap_or(0);
                take(zone, zone.arg(0), Use::Upstream, bytes, shared);
            }
        }
        "limit_conn_zone" => connections(d, shared),
        _ => requests(d, shared),
    }
}

/// A zone that cannot be read is not missed as well.
fn unread(d: &Directive, shared: &mut Shared) {
    let named = d
        .args
        .iter()
        .find_map(|word| word.text.strip_prefix("zone="));
    let name = named.and_then(|named| named.split(':').next());
    shared.zones.missing.extend(name.map(str::to_owned));
}

fn already_bound(d: &Directive, name: &str, key: &str, shared: &mut Shared) {
    let directive = d.name();
    let message = format!("{directive} \"{name}\" is already bound to key \"{key}\"");
    shared.problems.push(&d.name.place, message);
}

/// `limit_conn_zone`
fn connections(d: &Directive, shared: &mut Shared) {
    let key = shared::template(d, 0, &mut shared.problems);
    let read = ConnectionZone::read(d, &mut shared.problems);
    let (Some(key), Some(zone)) = (key, read) else {
        return unread(d, shared);
    };
    if !take(d, &zone.name, Use::Connections, zone.bytes, shared) {
        return;
    }
    let known = &mut shared.zones.connections;
    match known.iter().find(|known| known.zone.name == zone.name) {
        Some(first) => {
            let bound = first.key_text.clone();
            already_bound(d, &zone.name, &bound, shared);
        }
        None => known.push(ConnectionCounts {
            zone,
            key,
            key_text: d.arg(0).to_owned(),
        }),
    }
}

/// `limit_req_zone`
fn requests(d: &Directive, shared: &mut Shared) {
    let key = shared::template(d, 0, &mut shared.problems);
    let read = RequestZone::read(d, &mut shared.problems);
    let (Some(key), Some(zone)) = (key, read) else {
        return unread(d, shared);
    };
    if !take(d, &zone.name, Use::Requests, zone.bytes, shared) {
        return;
    }
    let known = &mut shared.zones.requests;
    match known.iter().find(|known| known.zone.name == zone.name) {
        Some(first) => {
            let bound = first.key_text.clone();
            already_bound(d, &zone.name, &bound, shared);
        }
        None => known.push(RequestAccounts {
            zone,
            key,
            key_text: d.arg(0).to_owned(),
        }),
    }
}

/// Whether the name is free for this use.
fn take(d: &Directive, name: &str, use_: Use, bytes: u64, shared: &mut Shared) -> bool {
    let taken = &mut shared.zones.taken;
    let message = match taken.iter().find(|(taken, ..)| taken == name) {
        None => {
            taken.push((name.to_owned(), use_, bytes));
            return true;
        }
        Some((_, first, _)) if *first != use_ => {
            format!("the shared memory zone \"{name}\" is already declared for a different use")
        }
        // Groups may share one; their sizes are compared elsewhere.
        Some((_, _, first)) if *first == bytes || use_ == Use::Upstream => return true,
        Some((_, _, first)) => format!(
            "the size {bytes} of shared memory zone \"{name}\" \
             conflicts with already declared size {first}"
        ),
    };
    shared.problems.push(&d.name.place, message);
    false
}

/// What a level says about limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    requests: RequestLimits,
    connections: ConnectionLimits,
}

impl Limits {
    /// False if the directive is another one.
    pub(crate) fn directive(&mut self, d: &Directive, shared: &mut Shared) -> bool {
        if self.requests.directive(d, &mut shared.problems) {
            for limit in &self.requests.limits {
                let word = d
                    .args
                    .iter()
                    .position(|word| word.text.starts_with("zone="));
                known(&limit.zone, Use::Requests, d, word, shared);
            }
            return true;
        }
        if self.connections.directive(d, &mut shared.problems) {
            for limit in &self.connections.limits {
                known(&limit.zone, Use::Connections, d, Some(0), shared);
            }
            return true;
        }
        false
    }

    pub(crate) fn inherit(&mut self, outer: &Self) {
        self.requests.inherit(&outer.requests);
        self.connections.inherit(&outer.connections);
    }

    /// What holds at a level; limits whose zone is missing have been complained about.
    pub(crate) fn requests(&self, shared: &Shared) -> LimitRequests {
        let limits = &self.requests;
        let zones = &shared.zones.requests;
        let zone = |name: &str| zones.iter().position(|known| known.zone.name == name);
        let found = limits.limits.iter();
        let found = found.filter_map(|limit| Some((zone(&limit.zone)?, limit.limit)));
        let loud = limits.log_level.unwrap_or_default();
        LimitRequests {
            limits: found.collect(),
            status: limits.status.unwrap_or(503),
            dry_run: limits.dry_run.unwrap_or(false),
            refused_level: level(loud),
            delayed_level: level(loud.quieter()),
        }
    }

    /// The same.
    pub(crate) fn connections(&self, shared: &Shared) -> LimitConnections {
        let limits = &self.connections;
        let zones = &shared.zones.connections;
        let zone = |name: &str| zones.iter().position(|known| known.zone.name == name);
        let found = limits.limits.iter();
        let found = found.filter_map(|limit| Some((zone(&limit.zone)?, limit.most)));
        LimitConnections {
            limits: found.collect(),
            status: limits.status.unwrap_or(503),
            dry_run: limits.dry_run.unwrap_or(false),
            refused_level: level(limits.log_level.unwrap_or_default()),
        }
    }
}

/// Complains about a zone that is not there, or there for something else: once.
fn known(name: &str, use_: Use, d: &Directive, word: Option<usize>, shared: &mut Shared) {
    let zones = &mut shared.zones;
    let taken = zones.taken.iter().find(|(taken, ..)| taken == name);
    let message = match taken {
        Some((_, taken, _)) if *taken == use_ => return,
        _ if zones.missing.iter().any(|missing| missing == name) => return,
        Some(_) => {
            format!("the shared memory zone \"{name}\" is already declared for a different use")
        }
        None => format!("zero size shared memory zone \"{name}\""),
    };
    zones.missing.push(name.to_owned());
    let place = word.map_or(&d.name.place, |word| d.place(word));
    shared.problems.push(place, message);
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Info => Level::Info,
        LogLevel::Notice => Level::Notice,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    }
}
