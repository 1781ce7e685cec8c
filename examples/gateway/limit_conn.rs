//! `limit_conn`: whether there is a place for a request.

use tower_upstream::limit::Key;
use tower_upstream::limit::bulkhead::NotIn;

use crate::config::Level;
use crate::exchange::Exchange;
use crate::log::error;
use crate::text;
use crate::variables::eval;

/// The longest key NGINX counts under.
const LONGEST_KEY: usize = 255;

/// `$limit_conn_status`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Counted.
    Passed,
    /// Refused.
    Rejected,
    /// Would have been; not counted (LN-4).
    RejectedDryRun,
}

impl Status {
    /// As NGINX writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Rejected => "REJECTED",
            Self::RejectedDryRun => "REJECTED_DRY_RUN",
        }
    }
}

/// Counts a request under the keys of its place until it ends, or names the status it is refused with:
/// then it is counted nowhere (LN-2). Once for each request, wherever error pages send it afterwards.
pub fn connections(x: &mut Exchange) -> Result<(), u16> {
    if x.limit_conn.is_some() {
        return Ok(());
    }
    let mut presences = Vec::new();
    let level = &x.at().location.limit_conn;
    for (zone, most) in &level.limits {
        let counts = &x.plan().config.connection_zones[*zone];
        let key = text::into_bytes(eval(&counts.key, x));
        if key.is_empty() {
            continue;
        }
        if key.len() > LONGEST_KEY {
            let (name, value) = (&counts.key_text, String::from_utf8_lossy(&key));
            error::about(
                x,
                Level::Error,
                format_args!("the value of the \"{name}\" key is more than 255 bytes: \"{value}\""),
            );
            continue;
        }
        let refused = match x.worker().connection_zones[*zone].enter(&Key::from(&*key), *most) {
            Ok(presence) => {
                presences.push(presence);
                continue;
            }
            Err(refused) => refused,
        };
        let (name, dry_run) = (&counts.zone.name, level.dry_run);
        match refused {
            NotIn::Full => error::about(
                x,
                level.refused_level,
                format_args!(
                    "limiting connections{} by zone \"{name}\"",
                    if dry_run { ", dry run," } else { "" }
                ),
            ),
            // The allocator's own words, which knows of no request.
            NotIn::NoRoom => x.worker().errors[0].write(
                Level::Crit,
                format_args!("ngx_slab_alloc() failed: no memory in limit_conn_zone \"{name}\""),
            ),
        }
        let status = level.status;
        if dry_run {
            x.limit_conn = Some(Status::RejectedDryRun);
            return Ok(());
        }
        x.limit_conn = Some(Status::Rejected);
        return Err(status);
    }
    if !presences.is_empty() {
        x.limit_conn = Some(Status::Passed);
        x.presences = presences;
    }
    Ok(())
}
