//! Active checks of the groups that ask for them (`active_check`), beside the workers.

use tower_upstream::Group;
use tower_upstream::connect::Tls;
use tower_upstream::health::{Change, Checks};

use crate::config::Level;
use crate::log::error::Log;
use crate::plan::Plan;

/// Checks of every group that asks for them. Their verdicts hold from now on; they end, once spawned,
/// with the last worker that has the group.
pub fn of(groups: &[Group], plan: &Plan, log: &Log) -> Vec<Checks> {
    let of_group = |(index, group): (usize, &Group)| {
        let (name, log) = (group.name().to_owned(), log.clone());
        let checks = Checks::of(group)?.report(move |change| write(change, &name, &log));
        Some(match tls(plan, index) {
            None => checks,
            Some(tls) => checks.tls(tls.clone()),
        })
    };
    groups.iter().enumerate().filter_map(of_group).collect()
}

/// How a group that is only spoken to over TLS is looked at: as by the first place that passes to it.
fn tls(plan: &Plan, group: usize) -> Option<&Tls> {
    let forwards = plan
        .places
        .iter()
        .filter_map(|place| place.forward.as_ref());
    let mut passes = forwards
        .map(|forward| &forward.pass)
        .filter(|pass| pass.group == group);
    let first = passes.next()?.tls.as_ref()?;
    passes.all(|pass| pass.tls.is_some()).then_some(first)
}

fn write(change: &Change, group: &str, log: &Log) {
    let Change {
        address, failure, ..
    } = change;
    let of = format_args!("health check of peer {address} in upstream \"{group}\"");
    match failure {
        _ if change.healthy => log.write(Level::Notice, format_args!("peer is healthy, {of}")),
        Some(why) => log.write(Level::Warn, format_args!("peer is unhealthy: {why}, {of}")),
        None => log.write(Level::Warn, format_args!("peer is unhealthy, {of}")),
    }
}
