//! What NGINX does not have, under names it does not use.

use std::hash::{DefaultHasher, Hasher};

use super::active_check;
use crate::breaker::{Consecutive, Ejection, FailureRules, SuccessRatio};
use crate::nginx::options::{
    Wrong, at, choice, count, decimal, fill, invalid, options, percent, time,
};
use crate::nginx::values::flag;
use crate::nginx::{Directive, Problems, units};
use crate::retry::BudgetConfig;
use crate::semantics::Semantics;
use crate::upstream::config::{
    Choice, EjectionCap, GroupConfig, HealthCheck, SlowFault, SlowStart, Subset,
};

/// These directives of one block; `None` is not said.
#[derive(Default)]
pub(super) struct Own {
    semantics: Option<Semantics>,
    warm_up: Option<SlowStart>,
    subset: Option<Subset>,
    failure_rule: Option<FailureRules>,
    ejection_cap: Option<Choice<EjectionCap>>,
    slow_fault: Option<Choice<SlowFault>>,
    shadow: Option<bool>,
    active_check: Option<HealthCheck>,
    retry_budget: Option<Option<BudgetConfig>>,
}

impl Own {
    /// False if the directive is another one.
    pub(super) fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "semantics" => fill(&mut self.semantics, d, problems, semantics),
            "warm_up" => fill(&mut self.warm_up, d, problems, warm_up),
            "subset" => fill(&mut self.subset, d, problems, subset),
            "failure_rule" => fill(&mut self.failure_rule, d, problems, failure_rule),
            "ejection_cap" => fill(&mut self.ejection_cap, d, problems, ejection_cap),
            "slow_fault" => fill(&mut self.slow_fault, d, problems, slow_fault),
            "shadow" => fill(&mut self.shadow, d, problems, |d| flag(d).map_err(at(0))),
            "active_check" => fill(&mut self.active_check, d, problems, active_check::read),
            "retry_budget" => fill(&mut self.retry_budget, d, problems, retry_budget),
            _ => return false,
        }
        true
    }

    pub(super) fn finish(self, group: &mut GroupConfig) {
        group.slow_start = self.warm_up;
        group.subset = self.subset;
        group.failure_rule = self.failure_rule.unwrap_or_default();
        group.ejection_cap = self.ejection_cap.unwrap_or_default();
        group.slow_fault = self.slow_fault.unwrap_or_default();
        group.shadow = self.shadow.unwrap_or_default();
        group.health_check = self.active_check;
        group.retry_budget = self.retry_budget.unwrap_or_default();
    }
}

/// `semantics nginx | strict`
pub(super) fn semantics(d: &Directive) -> Result<Semantics, Wrong> {
    match d.arg(0) {
        "nginx" => Ok(Semantics::Nginx),
        "strict" => Ok(Semantics::Strict),
        other => Err((0, format!("invalid value \"{other}\""))),
    }
}

/// `warm_up TIME [aggression=N] [floor=N%]`
fn warm_up(d: &Directive) -> Result<SlowStart, Wrong> {
    let window = time(d.arg(0)).ok_or_else(|| invalid(d, 0))?;
    let mut slow_start = SlowStart {
        window,
        ..SlowStart::default()
    };
    options(d, 1, |name, value| {
        match name {
            "aggression" => slow_start.aggression = decimal(value)?,
            "floor" => slow_start.floor = percent(value)?,
            _ => return None,
        }
        Some(())
    })?;
    Ok(slow_start)
}

/// `subset SIZE [seed=N]`; without a seed the machine's name is one.
fn subset(d: &Directive) -> Result<Subset, Wrong> {
    let size = units::number(d.arg(0)).and_then(|n| usize::try_from(n).ok());
    let size = size.filter(|n| *n > 0).ok_or_else(|| invalid(d, 0))?;
    let mut seed = None;
    options(d, 1, |name, value| {
        seed = Some(units::number(value).filter(|_| name == "seed")?);
        Some(())
    })?;
    let seed = seed.unwrap_or_else(machine);
    Ok(Subset { size, seed })
}

/// Tells this machine from others of a fleet.
fn machine() -> u64 {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut hash = DefaultHasher::new();
    hash.write(name.trim().as_bytes());
    hash.finish()
}

/// `failure_rule max_fails | consecutive [failures=N] [base=TIME] [max=TIME] |
/// success_ratio [threshold=N%] [minimum=N] [window=TIME] [base=TIME] [max=TIME]`
fn failure_rule(d: &Directive) -> Result<FailureRules, Wrong> {
    let mut ejection = Ejection::default();
    let mut length = |name: &str, value: &str| {
        match name {
            "base" => ejection.base = time(value)?,
            "max" => ejection.max = time(value)?,
            _ => return None,
        }
        Some(())
    };
    let rule = match d.arg(0) {
        "max_fails" => match d.args.len() {
            1 => FailureRules::MaxFails,
            _ => return Err(invalid(d, 1)),
        },
        "consecutive" => {
            let mut rule = Consecutive::default();
            options(d, 1, |name, value| match name {
                "failures" => count(value).map(|n| rule.failures = n),
                _ => length(name, value),
            })?;
            Consecutive { ejection, ..rule }.into()
        }
        "success_ratio" => {
            let mut rule = SuccessRatio::default();
            options(d, 1, |name, value| match name {
                "threshold" => percent(value).map(|n| rule.threshold = n),
                "minimum" => count(value).map(|n| rule.minimum = n),
                "window" => time(value).map(|t| rule.window = t),
                _ => length(name, value),
            })?;
            SuccessRatio { ejection, ..rule }.into()
        }
        other => return Err((0, format!("invalid value \"{other}\""))),
    };
    match rule.problems().into_iter().next() {
        Some(problem) => Err((0, problem)),
        None => Ok(rule),
    }
}

/// `ejection_cap off | on | [percent=N] [panic=N]`
fn ejection_cap(d: &Directive) -> Result<Choice<EjectionCap>, Wrong> {
    choice(d, |cap: &mut EjectionCap, name, value| {
        match name {
            "percent" => cap.percent = percent(value)?,
            "panic" => cap.panic = percent(value)?,
            _ => return None,
        }
        Some(())
    })
}

/// `slow_fault off | on | [multiple=N] [at_least=TIME] [probes=N]`
fn slow_fault(d: &Directive) -> Result<Choice<SlowFault>, Wrong> {
    choice(d, |fault: &mut SlowFault, name, value| {
        match name {
            "multiple" => fault.multiple = count(value)?,
            "at_least" => fault.at_least = time(value)?,
            "probes" => fault.probes = count(value)?,
            _ => return None,
        }
        Some(())
    })
}

/// `retry_budget off | PERCENT% [N r/s]`, written `20% 10r/s`
fn retry_budget(d: &Directive) -> Result<Option<BudgetConfig>, Wrong> {
    if d.arg(0) == "off" {
        return match d.args.len() {
            1 => Ok(None),
            _ => Err(invalid(d, 1)),
        };
    }
    let mut budget = BudgetConfig {
        percent: percent(d.arg(0)).ok_or_else(|| invalid(d, 0))?,
        ..BudgetConfig::default()
    };
    if d.args.len() > 1 {
        let rate = d.arg(1).strip_suffix("r/s").and_then(count);
        budget.per_second = rate.ok_or_else(|| (1, format!("invalid rate \"{}\"", d.arg(1))))?;
    }
    Ok(Some(budget))
}
