use std::fmt;
use std::sync::Arc;

use super::config::RateLimit;
use super::layer::RateLimitLayer;
use super::shared::{Counts, Shared};
use super::sources::{Both, One};
use crate::error::ConfigError;
use crate::limit::rate::fields::policy;
use crate::limit::rate::{Limit, Local, RateLimitFields, Zone};

/// What a [`RateLimitLayer`] is made of.
pub struct Builder<K, A, T = Local> {
    limits: Vec<(Zone, Limit)>,
    keys: K,
    answers: A,
    store: T,
    status: u16,
    dry_run: bool,
    fields: RateLimitFields,
}

impl<K, A> Builder<One<K>, A> {
    pub(super) fn new(limit: RateLimit<K>, answers: A) -> Self {
        Self {
            limits: vec![(limit.zone, limit.limit)],
            keys: One(limit.keys),
            answers,
            store: Local,
            status: 503,
            dry_run: false,
            fields: RateLimitFields::default(),
        }
    }
}

impl<K, A, T> Builder<K, A, T> {
    /// One more limit for the same requests. They have to pass all: one that any limit refuses is
    /// charged to none, and one that several let wait has the longest of the waits (LR-7).
    pub fn and<L>(mut self, limit: RateLimit<L>) -> Builder<Both<K, L>, A, T> {
        let at = self.limits.len();
        self.limits.push((limit.zone, limit.limit));
        Builder {
            limits: self.limits,
            keys: Both {
                first: self.keys,
                last: limit.keys,
                at,
            },
            answers: self.answers,
            store: self.store,
            status: self.status,
            dry_run: self.dry_run,
            fields: self.fields,
        }
    }

    /// Keeps the accounts elsewhere, default [`Local`].
    pub fn store<U>(self, store: U) -> Builder<K, A, U> {
        Builder {
            limits: self.limits,
            keys: self.keys,
            answers: self.answers,
            store,
            status: self.status,
            dry_run: self.dry_run,
            fields: self.fields,
        }
    }

    /// The HTTP status of refusals, default 503 as in NGINX; from 400 to 599, 429 being the one that
    /// blames the client (`limit_req_status`). gRPC callers get RESOURCE_EXHAUSTED.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Charges and counts, but lets everything through at once, default off (`limit_req_dry_run`).
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// When callers are told how they stand, default in refusals.
    pub fn fields(mut self, fields: RateLimitFields) -> Self {
        self.fields = fields;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A rate of zero, a zone that is used twice or has no room for a single key, and a status that is
    /// no error, all at once.
    pub fn build(self) -> Result<RateLimitLayer<K, A, T>, ConfigError> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        let policy = policy(self.limits.iter().map(|(zone, limit)| (zone, *limit)));
        Ok(RateLimitLayer {
            shared: Arc::new(Shared {
                limits: self.limits,
                keys: self.keys,
                answers: self.answers,
                store: self.store,
                status: self.status,
                dry_run: self.dry_run,
                fields: self.fields,
                policy,
                counts: Counts::default(),
            }),
        })
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (at, (zone, _)) in self.limits.iter().enumerate() {
            let name = zone.name();
            if zone.rate().is_zero() {
                problems.push(format!(
                    "rate limit \"{name}\": invalid rate, more than zero"
                ));
            }
            if !zone.has_room() {
                problems.push(format!("rate limit \"{name}\": zone is too small"));
            }
            if self.limits[..at].iter().any(|(other, _)| other.is(zone)) {
                problems.push(format!("rate limit \"{name}\" is duplicate"));
            }
        }
        if !(400..=599).contains(&self.status) {
            let status = self.status;
            problems.push(format!("rate limit status {status}: from 400 to 599"));
        }
        problems
    }
}

impl<K, A, T> fmt::Debug for Builder<K, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("limits", &self.limits)
            .field("status", &self.status)
            .field("dry_run", &self.dry_run)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
