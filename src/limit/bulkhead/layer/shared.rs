use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::classes::Classes;
use super::core::Core;
use super::permit::{Permit, Place};
use super::traffic::Traffic;
use crate::answer::{Reason, Refusal};
use crate::limit::Keys;
use crate::limit::bulkhead::gate::{Gate, No, Reception};
use crate::limit::bulkhead::{Presence, Zone};
use crate::timeout::Deadline;

/// What one layer value, its clones and all their services have in common.
pub(super) struct Shared<T, K, P> {
    pub(super) core: Arc<Core>,
    pub(super) traffic: Arc<T>,
    pub(super) per_key: Option<(u32, Zone)>,
    pub(super) keys: K,
    pub(super) classes: P,
    pub(super) status: Option<u16>,
    pub(super) dry_run: bool,
}

/// What is to be done with a request.
pub(super) enum Admission {
    Serve(Permit),
    Wait(Box<Place>),
    Refuse(Reason),
}

impl<T, K, P> Shared<T, K, P> {
    pub(super) fn admit<Req, Res, Err>(&self, request: &Req) -> Admission
    where
        T: Traffic<Req, Res, Err>,
        K: Keys<Req>,
        P: Classes<Req>,
    {
        if self.dry_run {
            return Admission::Serve(self.admit_dry(request));
        }
        let deadline = self.traffic.deadline(request);
        let deadline = Deadline::either(deadline, Deadline::current());
        if deadline.is_some_and(Deadline::is_over) {
            self.core.tell(Gate::come_late);
            return Admission::Refuse(Reason::Deadline);
        }
        let Ok(presence) = self.presence(request) else {
            self.core.keyed.fetch_add(1, Relaxed);
            return Admission::Refuse(Reason::Full);
        };
        let class = self.classes.class(request);
        let now = self.core.now();
        let left = deadline.map(Deadline::left);
        match self.core.tell(|gate| gate.come(class, left, now)) {
            Reception::Served(ticket) => {
                Admission::Serve(Permit::new(&self.core, Some(ticket), presence))
            }
            Reception::Waits(turn, displaced) => {
                if let Some(waker) = displaced {
                    waker.wake();
                }
                let place = Place::new(&self.core, turn, presence, deadline);
                Admission::Wait(Box::new(place))
            }
            Reception::Refused(No::Shed) => Admission::Refuse(Reason::Shed),
            Reception::Refused(_) => Admission::Refuse(Reason::Full),
        }
    }

    /// Who would not have got in goes on, and counts nowhere (LN-4).
    fn admit_dry<Req>(&self, request: &Req) -> Permit
    where
        K: Keys<Req>,
        P: Classes<Req>,
    {
        let Ok(presence) = self.presence(request) else {
            self.core.keyed.fetch_add(1, Relaxed);
            return Permit::new(&self.core, None, None);
        };
        let class = self.classes.class(request);
        let now = self.core.now();
        let ticket = self.core.tell(|gate| gate.come_dry(class, now));
        let presence = presence.filter(|_| ticket.is_some());
        Permit::new(&self.core, ticket, presence)
    }

    /// Counted under its key from now on, also while it waits: or one key could fill the line.
    fn presence<Req>(&self, request: &Req) -> Result<Option<Presence>, ()>
    where
        K: Keys<Req>,
    {
        let Some((most, zone)) = &self.per_key else {
            return Ok(None);
        };
        let key = self.keys.key(request);
        match key.is_none() {
            true => Ok(None),
            false => zone.enter(&key, *most).map(Some).map_err(drop),
        }
    }

    pub(super) fn refusal(&self, reason: Reason) -> Refusal {
        refusal(reason, self.status)
    }
}

pub(super) fn refusal(reason: Reason, status: Option<u16>) -> Refusal {
    let refusal = Refusal::new(reason);
    match (reason, status) {
        (Reason::Full | Reason::Shed, Some(status)) => refusal.with_status(status),
        _ => refusal,
    }
}

impl<T, K, P> fmt::Debug for Shared<T, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("core", &self.core.snapshot())
            .field("per_key", &self.per_key)
            .field("status", &self.status)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
