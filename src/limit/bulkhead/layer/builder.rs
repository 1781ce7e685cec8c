use std::fmt;
use std::sync::Arc;

use super::classes::{Alike, Classes};
use super::core::Core;
#[cfg(feature = "http")]
use super::http::{Http, Release};
use super::layer::BulkheadLayer;
use super::shared::Shared;
use super::traffic::Calls;
use crate::error::ConfigError;
use crate::limit::bulkhead::gate::Gate;
use crate::limit::bulkhead::{Class, Limit, Queue, Shares, Zone};
use crate::limit::{Everyone, Key};

/// What a [`BulkheadLayer`] is made of.
pub struct Builder<T, K = Everyone, P = Alike> {
    limit: Limit,
    queue: Option<Queue>,
    per_key: Option<(u32, Zone)>,
    keys: K,
    classes: P,
    shares: Shares,
    traffic: T,
    status: Option<u16>,
    dry_run: bool,
}

impl<T> Builder<T> {
    pub(super) fn new(limit: Limit, traffic: T) -> Self {
        Self {
            limit,
            queue: None,
            per_key: None,
            keys: Everyone,
            classes: Alike,
            shares: Shares::WHOLE,
            traffic,
            status: None,
            dry_run: false,
        }
    }
}

impl<T, K, P> Builder<T, K, P> {
    /// Those who find the limit reached wait for their turn, default none: they are refused at once.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queue = Some(queue);
        self
    }

    /// At most so many at once under one key (`limit_conn`), in addition to the limit on all; default no
    /// such limit. Who is above is refused at once; who waits counts. Requests without a key are not
    /// limited so.
    pub fn per_key<L>(self, most: u32, keys: L) -> Builder<T, L, P> {
        self.per_key_in(&Zone::new(), most, keys)
    }

    /// The same, counted in a zone that others count in, too (`limit_conn_zone`).
    pub fn per_key_in<L>(self, zone: &Zone, most: u32, keys: L) -> Builder<T, L, P> {
        Builder {
            limit: self.limit,
            queue: self.queue,
            per_key: Some((most, zone.clone())),
            keys,
            classes: self.classes,
            shares: self.shares,
            traffic: self.traffic,
            status: self.status,
            dry_run: self.dry_run,
        }
    }

    /// The same as [`per_key`](Self::per_key) by a closure. A request with [`Key::NONE`] is not limited
    /// so.
    pub fn per_key_by<Req, F>(self, most: u32, key: F) -> Builder<T, F, P>
    where
        F: for<'a> Fn(&'a Req) -> Key<'a>,
    {
        self.per_key(most, key)
    }

    /// Sheds those first that matter least, by [`Shares`] with their defaults: [`ClassHeader`] reads a
    /// header. Default: all are [`Alike`], and each may fill the whole limit.
    ///
    /// [`ClassHeader`]: super::ClassHeader
    pub fn classes<Q>(self, classes: Q) -> Builder<T, K, Q> {
        Builder {
            limit: self.limit,
            queue: self.queue,
            per_key: self.per_key,
            keys: self.keys,
            classes,
            shares: Shares::default(),
            traffic: self.traffic,
            status: self.status,
            dry_run: self.dry_run,
        }
    }

    /// The same by a closure.
    pub fn classes_by<Req, F>(self, class: F) -> Builder<T, K, F>
    where
        F: Fn(&Req) -> Class,
        F: Classes<Req>,
    {
        self.classes(class)
    }

    /// How far each class may fill the limit; to be said after [`classes`](Self::classes).
    pub fn shares(mut self, shares: Shares) -> Self {
        self.shares = shares;
        self
    }

    /// The HTTP status of refusals, default 503 as in NGINX; from 400 to 599, 429 being the one that
    /// blames the client (`limit_conn_status`). gRPC callers get RESOURCE_EXHAUSTED, and UNAVAILABLE
    /// where others mattered more.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Counts, but lets everything through at once, default off (`limit_conn_dry_run`). Who finds no
    /// place takes none and is not counted as being served; the
    /// [`Snapshot`](crate::limit::bulkhead::Snapshot) says what would have been.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Every number that makes no sense, all at once.
    pub fn build(self) -> Result<BulkheadLayer<T, K, P>, ConfigError> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        let limiter = self.limit.limiter(fastrand::u64(..));
        let gate = Gate::new(limiter, self.shares, self.queue);
        Ok(BulkheadLayer {
            shared: Arc::new(Shared {
                core: Arc::new(Core::new(gate)),
                traffic: Arc::new(self.traffic),
                per_key: self.per_key,
                keys: self.keys,
                classes: self.classes,
                status: self.status,
                dry_run: self.dry_run,
            }),
        })
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.limit.problems();
        problems.extend(self.shares.problems());
        if let Some(queue) = &self.queue {
            queue.problems(&mut problems);
        }
        if let Some((0, _)) = self.per_key {
            problems.push("limit 0 per key: at least 1".into());
        }
        if self
            .per_key
            .as_ref()
            .is_some_and(|(_, zone)| !zone.has_room())
        {
            problems.push("limit per key: zone is too small".into());
        }
        if let Some(status) = self.status.filter(|s| !(400..=599).contains(s)) {
            problems.push(format!("bulkhead status {status}: from 400 to 599"));
        }
        problems
    }

    fn traffic<U>(self, change: impl FnOnce(T) -> U) -> Builder<U, K, P> {
        Builder {
            limit: self.limit,
            queue: self.queue,
            per_key: self.per_key,
            keys: self.keys,
            classes: self.classes,
            shares: self.shares,
            traffic: change(self.traffic),
            status: self.status,
            dry_run: self.dry_run,
        }
    }
}

impl<A, C, K, P> Builder<Calls<A, C>, K, P> {
    /// What answers say of how much the service takes, for a limit that learns: a closure from
    /// `&Result<Res, E>` to [`Condition`](crate::classify::Condition). Default: errors say nothing, all
    /// else was served.
    ///
    /// Timeouts, 429, 503 and 504 are too much, other failures say nothing; see
    /// [`Ended`](crate::limit::bulkhead::Ended).
    pub fn classify<D>(self, classify: D) -> Builder<Calls<A, D>, K, P> {
        self.traffic(|calls| Calls {
            answers: calls.answers,
            classify,
        })
    }
}

#[cfg(feature = "http")]
impl<A, C, K, P> Builder<Http<A, C>, K, P> {
    /// What responses say of how much the service takes, for a limit that learns; default by their
    /// status ([`ServerErrors`](crate::classify::ServerErrors)), and errors say nothing.
    ///
    /// Timeouts, 429, 503 and 504 are too much, other failures say nothing; see
    /// [`Ended`](crate::limit::bulkhead::Ended). So are gRPC answers that are nothing but UNAVAILABLE,
    /// RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED, though their HTTP status is good; with another status
    /// they say nothing. Refusals of a layer behind are known by their
    /// [`Reason`](crate::answer::Reason).
    pub fn classify<D>(self, classify: D) -> Builder<Http<A, D>, K, P> {
        self.traffic(|http| Http {
            answers: http.answers,
            classify,
            release: http.release,
        })
    }

    /// When a request's place is free again, default at the end of its response's body.
    pub fn release(self, release: Release) -> Self {
        self.traffic(|http| Http { release, ..http })
    }
}

impl<T, K, P> fmt::Debug for Builder<T, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("limit", &self.limit)
            .field("queue", &self.queue)
            .field("per_key", &self.per_key)
            .field("shares", &self.shares)
            .field("status", &self.status)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
