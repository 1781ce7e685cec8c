//! `limit_req`: whether a request may pass now, later, or not.

use std::time::Duration;

use tokio::time::Instant;
use tower_upstream::limit::rate::{Ask, Local, Standing, Status, Verdict};

use crate::answer::Answer;
use crate::config::{Level, LimitRequests};
use crate::exchange::Exchange;
use crate::log::error;
use crate::text;
use crate::variables::eval;

/// The longest key NGINX keeps.
const LONGEST_KEY: usize = 65_535;

/// Lets a request pass the limits of its place, after a wait if need be, or names the status it is
/// refused with. Once for each request, wherever error pages send it afterwards (LR-9).
pub async fn requests(x: &mut Exchange) -> Result<(), u16> {
    if x.limit_req.is_some() || x.at().location.limit_req.limits.is_empty() {
        return Ok(());
    }
    let verdict = decide(x);
    let level = &x.at().location.limit_req;
    let status = Status::of(&verdict, level.dry_run);
    log(x, level, &verdict);
    let refusal = level.status;
    if applied(&verdict) {
        x.limit_req = Some(status);
    }
    match (status, verdict) {
        (Status::Rejected, _) => Err(refusal),
        (Status::Delayed, Verdict::Pass { delay, .. }) => {
            wait(delay).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a refused client gets. For NGINX these three say that nobody is to be answered.
pub fn refused(status: u16) -> Answer {
    match status {
        408 | 444 | 499 => Answer::Close(status),
        _ => Answer::Page(status),
    }
}

/// A limit had something to say.
fn applied(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Pass { standing: None, .. })
}

async fn wait(delay: Duration) {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    tokio::time::sleep(delay.min(YEAR)).await;
}

fn decide(x: &Exchange) -> Verdict {
    let limits = &x.at().location.limit_req.limits;
    let accounts = &x.plan().config.request_zones;
    let keys: Vec<_> = limits
        .iter()
        .map(|(zone, _)| text::into_bytes(eval(&accounts[*zone].key, x)))
        .collect();
    for ((zone, _), key) in limits.iter().zip(&keys) {
        if key.len() > LONGEST_KEY {
            let name = &accounts[*zone].key_text;
            let value = String::from_utf8_lossy(key);
            error::about(
                x,
                Level::Error,
                format_args!(
                    "the value of the \"{name}\" key is more than 65535 bytes: \"{value}\""
                ),
            );
        }
    }
    let zones = &x.worker().request_zones;
    let asks: Vec<_> = limits
        .iter()
        .zip(&keys)
        .map(|((zone, limit), key)| Ask {
            zone: &zones[*zone],
            limit: *limit,
            key,
        })
        .collect();
    Local.decide(&asks, Instant::now())
}

/// Tells of refusals and waits, in the words operators look for.
fn log(x: &Exchange, level: &LimitRequests, verdict: &Verdict) {
    let dry_run = if level.dry_run { ", dry run" } else { "" };
    let name = |limit: usize| {
        let (zone, _) = level.limits[limit];
        &x.plan().config.request_zones[zone].zone.name
    };
    match *verdict {
        Verdict::Refuse {
            standing: Standing { limit, excess },
            ..
        } => {
            let (whole, part, name) = (excess / 1000, excess % 1000, name(limit));
            error::about(
                x,
                level.refused_level,
                format_args!(
                    "limiting requests{dry_run}, excess: {whole}.{part:03} by zone \"{name}\""
                ),
            );
        }
        Verdict::Exhausted { limit } => {
            let name = name(limit);
            error::about(
                x,
                Level::Error,
                format_args!("could not allocate node in limit_req zone \"{name}\""),
            );
        }
        Verdict::Pass {
            delay,
            standing: Some(Standing { limit, excess }),
        } if !delay.is_zero() => {
            let (whole, part, name) = (excess / 1000, excess % 1000, name(limit));
            error::about(
                x,
                level.delayed_level,
                format_args!(
                    "delaying request{dry_run}, excess: {whole}.{part:03}, by zone \"{name}\""
                ),
            );
        }
        Verdict::Pass { .. } => {}
    }
}
