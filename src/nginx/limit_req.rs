//! `limit_req_zone`, `limit_req` and what goes with it.

use super::options::{Wrong, invalid};
use super::values::{self, duplicate};
use super::{Directive, Problems, units};
use crate::limit::rate::{Delay, Limit, Rate};

/// Eight pages: less cannot hold a zone.
const MIN_ZONE: u64 = 8 * 4096;

/// `limit_req_zone KEY zone=NAME:SIZE rate=N[r/s|r/m]`; the key is its first argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestZone {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its rate. NGINX reads more than 32 bits have room for; here they are the most.
    pub rate: Rate,
}

impl RequestZone {
    /// Reads the directive.
    pub fn read(d: &Directive, problems: &mut Problems) -> Option<Self> {
        told(Self::parse(d), d, problems)
    }

    fn parse(d: &Directive) -> Result<Self, Wrong> {
        let (mut zone, mut rate) = (None, Rate::per_second(1));
        for index in 1..d.args.len() {
            let word = d.arg(index);
            if let Some(text) = word.strip_prefix("zone=") {
                zone = zone_parameter(text, index)?;
            } else if let Some(text) = word.strip_prefix("rate=") {
                rate = self::rate(text).ok_or((index, format!("invalid rate \"{word}\"")))?;
            } else {
                return Err(invalid(d, index));
            }
        }
        let (name, bytes) = zone.ok_or_else(|| without_zone(d))?;
        Ok(Self {
            name: name.to_owned(),
            bytes,
            rate,
        })
    }
}

/// What follows `zone=`: NAME:SIZE. An empty name is none.
pub(super) fn zone_parameter(text: &str, index: usize) -> Result<Option<(&str, u64)>, Wrong> {
    let size = || (index, format!("invalid zone size \"zone={text}\""));
    let (name, bytes) = text.split_once(':').ok_or_else(size)?;
    let bytes = units::size(bytes).ok_or_else(size)?;
    if bytes < MIN_ZONE {
        return Err((index, format!("zone \"zone={text}\" is too small")));
    }
    Ok(Some((name, bytes)).filter(|(name, _)| !name.is_empty()))
}

/// `N`, `Nr/s` or `Nr/m`.
fn rate(text: &str) -> Option<Rate> {
    let (digits, per): (_, fn(u32) -> Rate) = match text.strip_suffix("r/m") {
        Some(digits) => (digits, Rate::per_minute),
        None => (text.strip_suffix("r/s").unwrap_or(text), Rate::per_second),
    };
    count(digits).map(per)
}

/// A number of at least 1; those that nobody reaches are all the same.
fn count(digits: &str) -> Option<u32> {
    let number = units::number(digits).filter(|number| *number > 0)?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

pub(super) fn without_zone(d: &Directive) -> Wrong {
    let message = format!("\"{}\" must have \"zone\" parameter", d.name());
    (usize::MAX, message)
}

/// What is wrong, where it stands; with the directive if it is no argument's fault.
pub(super) fn told<T>(read: Result<T, Wrong>, d: &Directive, problems: &mut Problems) -> Option<T> {
    read.map_err(|(index, message)| {
        let word = d.args.get(index).unwrap_or(&d.name);
        problems.push(&word.place, message);
    })
    .ok()
}

/// `limit_req zone=NAME [burst=N] [nodelay | delay=N]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLimit {
    /// The name of its zone.
    pub zone: String,
    /// How far its rate may be run ahead of.
    pub limit: Limit,
}

impl RequestLimit {
    fn parse(d: &Directive) -> Result<Self, Wrong> {
        let (mut zone, mut limit) = (None, Limit::default());
        for index in 0..d.args.len() {
            let word = d.arg(index);
            let number = |what: &str, digits: &str| {
                count(digits).ok_or_else(|| (index, format!("invalid {what} value \"{word}\"")))
            };
            match word.split_once('=') {
                Some(("zone", name)) => zone = Some(name),
                Some(("burst", digits)) => limit.burst = number("burst", digits)?,
                Some(("delay", digits)) => limit.delay = Delay::After(number("delay", digits)?),
                None if word == "nodelay" => limit.delay = Delay::Never,
                _ => return Err(invalid(d, index)),
            }
        }
        let zone = zone.ok_or_else(|| without_zone(d))?.to_owned();
        Ok(Self { zone, limit })
    }
}

/// How loud a limit says that it has refused (`limit_req_log_level`, `limit_conn_log_level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// `info`
    Info,
    /// `notice`
    Notice,
    /// `warn`
    Warn,
    /// `error`, the default.
    #[default]
    Error,
}

impl LogLevel {
    /// Reads the directive's argument, as [`values::fill`] wants it.
    pub fn read(d: &Directive) -> values::Value<Self> {
        Ok(match d.arg(0).to_ascii_lowercase().as_str() {
            "info" => Self::Info,
            "notice" => Self::Notice,
            "warn" => Self::Warn,
            "error" => Self::Error,
            _ => return Err(format!("invalid value \"{}\"", d.arg(0))),
        })
    }

    /// One step quieter: how a wait is told of.
    pub fn quieter(self) -> Self {
        match self {
            Self::Error => Self::Warn,
            Self::Warn => Self::Notice,
            Self::Notice | Self::Info => Self::Info,
        }
    }
}

/// The status of refusals: 400 to 599.
pub fn limit_status(d: &Directive) -> values::Value<u16> {
    let status = values::number(d)?;
    let status = u16::try_from(status).ok();
    status
        .filter(|status| (400..=599).contains(status))
        .ok_or_else(|| "value must be between 400 and 599".into())
}

/// What one level says about limits on requests. Limits are inherited by levels that have none; the
/// rest one by one (CF-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLimits {
    /// `limit_req`s in order.
    pub limits: Vec<RequestLimit>,
    /// `limit_req_status`, default 503.
    pub status: Option<u16>,
    /// `limit_req_dry_run`, default off.
    pub dry_run: Option<bool>,
    /// `limit_req_log_level`, default error.
    pub log_level: Option<LogLevel>,
}

impl RequestLimits {
    /// False if the directive is another one.
    pub fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "limit_req" => {
                let limit = told(RequestLimit::parse(d), d, problems);
                let twice = |new: &RequestLimit| self.limits.iter().any(|l| l.zone == new.zone);
                match limit {
                    Some(limit) if twice(&limit) => problems.push(&d.name.place, duplicate(d)),
                    limit => self.limits.extend(limit),
                }
            }
            "limit_req_status" => values::fill(&mut self.status, d, problems, limit_status),
            "limit_req_dry_run" => values::fill(&mut self.dry_run, d, problems, values::flag),
            "limit_req_log_level" => {
                values::fill(&mut self.log_level, d, problems, LogLevel::read);
            }
            _ => return false,
        }
        true
    }

    /// Fills what this level leaves open from the level around it.
    pub fn inherit(&mut self, outer: &Self) {
        if self.limits.is_empty() {
            self.limits.clone_from(&outer.limits);
        }
        self.status = self.status.or(outer.status);
        self.dry_run = self.dry_run.or(outer.dry_run);
        self.log_level = self.log_level.or(outer.log_level);
    }
}
