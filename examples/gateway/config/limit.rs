use tower_upstream::limit::rate::Limit;
use tower_upstream::nginx::{ConnectionZone, RequestZone, Template};

use super::Level;

/// `limit_req_zone`
#[derive(Clone, Debug)]
pub struct RequestAccounts {
    /// Name, size and rate.
    pub zone: RequestZone,
    /// Whose account a request is charged to.
    pub key: Template,
    /// The same as written.
    pub key_text: String,
}

/// `limit_req`s, and how they refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRequests {
    /// Indices into [`Config::request_zones`], and what is let through early.
    pub limits: Vec<(usize, Limit)>,
    /// `limit_req_status`, default 503.
    pub status: u16,
    /// `limit_req_dry_run`
    pub dry_run: bool,
    /// `limit_req_log_level`, default error.
    pub refused_level: Level,
    /// One step quieter: for those that wait.
    pub delayed_level: Level,
}

/// `limit_conn_zone`
#[derive(Clone, Debug)]
pub struct ConnectionCounts {
    /// Name and size.
    pub zone: ConnectionZone,
    /// What a request is counted under.
    pub key: Template,
    /// The same as written.
    pub key_text: String,
}

/// `limit_conn`s, and how they refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitConnections {
    /// Indices into [`Config::connection_zones`], and how many there may be.
    pub limits: Vec<(usize, u32)>,
    /// `limit_conn_status`, default 503.
    pub status: u16,
    /// `limit_conn_dry_run`
    pub dry_run: bool,
    /// `limit_conn_log_level`, default error.
    pub refused_level: Level,
}
