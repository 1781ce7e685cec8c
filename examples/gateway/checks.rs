//! Active checks of the groups that ask for them (`active_check`), beside the workers.

use tower_upstream::Group;
use tower_upstream::health::{Change, Checks};

use crate::config::Level;
use crate::log::error::Log;

/// Checks of every group that asks for them. Their verdicts hold from now on; they end, once spawned,
/// with the last worker that has the group.
pub fn of(groups: &[Group], log: &Log) -> Vec<Checks> {
    let of_group = |group: &Group| {
        let (name, log) = (group.name().to_owned(), log.clone());
        Some(Checks::of(group)?.report(move |change| write(change, &name, &log)))
    };
    groups.iter().filter_map(of_group).collect()
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
