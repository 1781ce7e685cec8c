//! The rules LR-1 to LR-9 and LN-1 to LN-4, worked out from arrivals alone; none of the library's
//! code has a part in it.

use std::collections::HashMap;

use super::read::{Limits, Rate, value};
use crate::support::scenario::Request;

/// What comes of one request.
pub(super) struct Verdict {
    /// `$limit_req_status`, `$limit_conn_status`.
    pub(super) words: [&'static str; 2],
    /// What it is refused with.
    pub(super) refused: Option<u16>,
    /// Milliseconds before it is passed on.
    pub(super) wait: u64,
    /// By how many milliseconds something would have to move for this to be another verdict.
    pub(super) margin: u64,
}

impl Verdict {
    /// How long the server has it.
    pub(super) fn served(&self, limits: &Limits) -> u64 {
        self.wait + self.refused.map_or(limits.service, |_| 0)
    }

    /// In the notation of the reference.
    pub(super) fn notation(&self, limits: &Limits) -> String {
        let mut text = match self.refused {
            Some(status) => status.to_string(),
            None => "200 [A] (200)".to_owned(),
        };
        for (kind, word) in ["rate", "conn"].iter().zip(self.words) {
            if word != "-" {
                text += &format!(" {kind}:{word}");
            }
        }
        format!("{text} +{}", self.served(limits))
    }
}

/// One account of a zone.
#[derive(Clone, Copy)]
struct Account {
    excess: u64,
    last: u64,
}

/// Requests and the milliseconds at which they arrive, in that order.
pub(super) fn judge(limits: &Limits, arrivals: &[(u64, &Request)]) -> Vec<Verdict> {
    let mut accounts = HashMap::new();
    let mut verdicts: Vec<Verdict> = arrivals
        .iter()
        .map(|(at, request)| rates(limits, &mut accounts, *at, request))
        .collect();
    connections(limits, arrivals, &mut verdicts);
    verdicts
}

fn rates(
    limits: &Limits,
    accounts: &mut HashMap<(usize, String), Account>,
    at: u64,
    request: &Request,
) -> Verdict {
    let mut verdict = Verdict {
        words: ["-"; 2],
        refused: None,
        wait: 0,
        margin: u64::MAX,
    };
    let mut charged = Vec::new();
    let mut rejected = false;
    for (number, limit) in limits.rates.iter().enumerate() {
        let key = value(&limit.key, request);
        if key.is_empty() {
            continue;
        }
        verdict.words[0] = "PASSED";
        let place = (number, key);
        let Some(account) = accounts.get(&place) else {
            charged.push((place, 0, limit));
            continue;
        };
        let (excess, exact) = excess(*account, limit, at);
        verdict.margin = verdict.margin.min(distance(exact, limit.burst, limit.rate));
        rejected = excess > limit.burst;
        if rejected {
            break;
        }
        if limit.delay < limit.burst {
            verdict.margin = verdict.margin.min(distance(exact, limit.delay, limit.rate));
        }
        charged.push((place, excess, limit));
    }
    if rejected {
        verdict.words[0] = if limits.dry[0] {
            "REJECTED_DRY_RUN"
        } else {
            "REJECTED"
        };
        verdict.refused = (!limits.dry[0]).then_some(limits.statuses[0]);
        return verdict;
    }
    let mut wait = 0;
    for (place, excess, limit) in charged {
        accounts.insert(place, Account { excess, last: at });
        wait = wait.max(excess.saturating_sub(limit.delay) * 1000 / limit.rate);
    }
    if wait > 0 {
        verdict.words[0] = if limits.dry[0] {
            "DELAYED_DRY_RUN"
        } else {
            "DELAYED"
        };
        verdict.wait = if limits.dry[0] { 0 } else { wait };
    }
    verdict
}

/// LR-3, and the same without its floor at zero.
fn excess(account: Account, limit: &Rate, at: u64) -> (u64, i64) {
    let leaked = limit.rate * at.saturating_sub(account.last) / 1000;
    let exact = signed(account.excess) - signed(leaked) + 1000;
    (u64::try_from(exact).unwrap_or(0), exact)
}

/// In milliseconds.
fn distance(exact: i64, edge: u64, rate: u64) -> u64 {
    exact.abs_diff(signed(edge)) * 1000 / rate
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Those whom rates let through are counted once they have waited.
fn connections(limits: &Limits, arrivals: &[(u64, &Request)], verdicts: &mut [Verdict]) {
    let mut entries: Vec<(u64, usize)> = (0..verdicts.len())
        .filter(|number| verdicts[*number].refused.is_none())
        .map(|number| (arrivals[number].0 + verdicts[number].wait, number))
        .collect();
    entries.sort_unstable();
    // Key of each limit, entry: those who were let in and counted.
    let mut counted: Vec<(Vec<String>, u64)> = Vec::new();
    let mut seen: Vec<(Vec<String>, u64)> = Vec::new();
    for (at, number) in entries {
        let key = |limit: usize| value(&limits.connections[limit].key, arrivals[number].1);
        let keys: Vec<String> = (0..limits.connections.len()).map(key).collect();
        let shares = |others: &[String]| {
            let mut pairs = keys.iter().zip(others);
            pairs.any(|(own, other)| !own.is_empty() && own == other)
        };
        let verdict = &mut verdicts[number];
        if keys.iter().any(|key| !key.is_empty()) {
            verdict.words[1] = "PASSED";
        }
        // Who comes first decides, and whether somebody has gone.
        let entered = seen
            .iter()
            .filter(|(others, _)| shares(others))
            .map(|e| e.1);
        let ended = counted.iter().filter(|(others, _)| shares(others));
        let moments = entered.chain(ended.map(|(_, entry)| entry + limits.service));
        let nearest = moments.map(|moment| moment.abs_diff(at)).min();
        verdict.margin = verdict.margin.min(nearest.unwrap_or(u64::MAX));
        let full = limits.connections.iter().enumerate().any(|(place, limit)| {
            let own = &keys[place];
            let here = counted
                .iter()
                .filter(|(others, entry)| others[place] == *own && entry + limits.service > at);
            !own.is_empty() && here.count() >= limit.most
        });
        seen.push((keys.clone(), at));
        if !full {
            counted.push((keys, at));
            continue;
        }
        verdict.words[1] = if limits.dry[1] {
            "REJECTED_DRY_RUN"
        } else {
            "REJECTED"
        };
        verdict.refused = (!limits.dry[1]).then_some(limits.statuses[1]);
    }
}
