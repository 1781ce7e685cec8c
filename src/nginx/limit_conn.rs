//! `limit_conn_zone`, `limit_conn` and what goes with it.

use super::limit_req::{LogLevel, limit_status, told, without_zone, zone_parameter};
use super::options::{Wrong, invalid};
use super::values::{self, duplicate};
use super::{Directive, Problems, units};

/// `limit_conn_zone KEY zone=NAME:SIZE`; the key is its first argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionZone {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl ConnectionZone {
    /// Reads the directive.
    pub fn read(d: &Directive, problems: &mut Problems) -> Option<Self> {
        told(Self::parse(d), d, problems)
    }

    fn parse(d: &Directive) -> Result<Self, Wrong> {
        let text = d.arg(1).strip_prefix("zone=");
        let zone = zone_parameter(text.ok_or_else(|| invalid(d, 1))?, 1)?;
        let (name, bytes) = zone.ok_or_else(|| without_zone(d))?;
        Ok(Self {
            name: name.to_owned(),
            bytes,
        })
    }
}

/// `limit_conn ZONE NUMBER`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimit {
    /// The name of its zone.
    pub zone: String,
    /// How many there may be under one key, 1 to 65535 (LN-2).
    pub most: u32,
}

impl ConnectionLimit {
    fn parse(d: &Directive) -> Result<Self, Wrong> {
        let number = d.arg(1);
        let most = match units::number(number) {
            None | Some(0) => {
                return Err((1, format!("invalid number of connections \"{number}\"")));
            }
            Some(most) => u16::try_from(most)
                .map_err(|_| (1, "connection limit must be less 65536".to_owned()))?,
        };
        Ok(Self {
            zone: d.arg(0).to_owned(),
            most: most.into(),
        })
    }
}

/// What one level says about limits on connections, which are limits on requests being served (LN-1).
/// Limits are inherited by levels that have none; the rest one by one (CF-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `limit_conn`s in order.
    pub limits: Vec<ConnectionLimit>,
    /// `limit_conn_status`, default 503.
    pub status: Option<u16>,
    /// `limit_conn_dry_run`, default off.
    pub dry_run: Option<bool>,
    /// `limit_conn_log_level`, default error.
    pub log_level: Option<LogLevel>,
}

impl ConnectionLimits {
    /// False if the directive is another one.
    pub fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "limit_conn" => {
                // Before its number is looked at.
                if self.limits.iter().any(|limit| limit.zone == d.arg(0)) {
                    problems.push(&d.name.place, duplicate(d));
                    return true;
                }
                let limit = told(ConnectionLimit::parse(d), d, problems);
                self.limits.extend(limit);
            }
            "limit_conn_status" => values::fill(&mut self.status, d, problems, limit_status),
            "limit_conn_dry_run" => values::fill(&mut self.dry_run, d, problems, values::flag),
            "limit_conn_log_level" => {
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
