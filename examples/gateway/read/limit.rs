use tower_upstream::nginx::{Directive, LogLevel, RequestLimits, RequestZone, units};

use super::shared::{self, Shared};
use crate::config::{Level, LimitRequests, RequestAccounts};

/// The zones of limits, and the names that NGINX would give to shared memory: each has one use.
#[derive(Default)]
pub(crate) struct Zones {
    taken: Vec<(String, Use, u64)>,
    /// `limit_req_zone`s.
    pub(crate) requests: Vec<RequestAccounts>,
    /// Those that could not be read, or are asked for and not there: said once.
    missing: Vec<String>,
}

/// What a zone is for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Upstream,
    Requests,
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
        _ => requests(d, shared),
    }
}

/// `limit_req_zone`
fn requests(d: &Directive, shared: &mut Shared) {
    let key = shared::template(d, 0, &mut shared.problems);
    let read = RequestZone::read(d, &mut shared.problems);
    let (Some(key), Some(zone)) = (key, read) else {
        let named = d
            .args
            .iter()
            .find_map(|word| word.text.strip_prefix("zone="));
        let name = named.and_then(|named| named.split(':').next());
        shared.zones.missing.extend(name.map(str::to_owned));
        return;
    };
    if !take(d, &zone.name, Use::Requests, zone.bytes, shared) {
        return;
    }
    let known = &mut shared.zones.requests;
    match known.iter().find(|known| known.zone.name == zone.name) {
        Some(first) => {
            let message = format!(
                "limit_req_zone \"{}\" is already bound to key \"{}\"",
                zone.name, first.key_text
            );
            shared.problems.push(&d.name.place, message);
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

/// A directive about limits on requests; false if it is another one.
pub(crate) fn directive(limits: &mut RequestLimits, d: &Directive, shared: &mut Shared) -> bool {
    if !limits.directive(d, &mut shared.problems) {
        return false;
    }
    let zones = &mut shared.zones;
    let unknown = limits.limits.iter().map(|limit| &limit.zone).find(|name| {
        let known = zones.requests.iter().any(|known| known.zone.name == **name);
        !known && !zones.missing.contains(*name)
    });
    if let Some(name) = unknown {
        zones.missing.push(name.clone());
        let place = d.args.iter().find(|word| word.text.starts_with("zone="));
        let message = match zones.taken.iter().any(|(taken, ..)| taken == name) {
            true => {
                format!("the shared memory zone \"{name}\" is already declared for a different use")
            }
            false => format!("zero size shared memory zone \"{name}\""),
        };
        let place = place.map_or(&d.name.place, |word| &word.place);
        shared.problems.push(place, message);
    }
    true
}

/// What holds at a level; limits whose zone is missing have been complained about.
pub(crate) fn requests_at(limits: &RequestLimits, shared: &Shared) -> LimitRequests {
    let zone = |name: &str| {
        let zones = &shared.zones.requests;
        zones.iter().position(|known| known.zone.name == name)
    };
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

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Info => Level::Info,
        LogLevel::Notice => Level::Notice,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    }
}
