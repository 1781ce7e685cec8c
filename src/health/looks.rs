use std::collections::HashMap;
use std::future::Future;
use std::task::{Context, Poll};

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::failure::Failure;
use super::rounds::Ticket;

/// So many at once, at most.
const AT_ONCE: usize = 64;

/// Looks under way. Dropped, they end.
#[derive(Default)]
pub(super) struct Looks {
    tasks: JoinSet<Result<(), Failure>>,
    tickets: HashMap<Id, (Ticket, AbortHandle)>,
}

impl Looks {
    pub(super) fn has_room(&self) -> bool {
        self.tasks.len() < AT_ONCE
    }

    pub(super) fn begin(
        &mut self,
        ticket: Ticket,
        look: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        let task = self.tasks.spawn(look);
        self.tickets.insert(task.id(), (ticket, task));
    }

    pub(super) fn abort_unless(&self, wanted: impl Fn(Ticket) -> bool) {
        let looks = self.tickets.values();
        looks
            .filter(|(ticket, _)| !wanted(*ticket))
            .for_each(|(_, task)| task.abort());
    }

    /// `None` when there are none.
    pub(super) fn poll_ended(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Ticket, Result<(), Failure>)>> {
        self.tasks.poll_join_next_with_id(cx).map(|ended| {
            let (id, result) = match ended? {
                Ok(ended) => ended,
                Err(error) => (error.id(), Err(never_ended(&error))),
            };
            let (ticket, _) = self.tickets.remove(&id)?;
            Some((ticket, result))
        })
    }
}

/// Given up, or a probe of the caller's own panicked.
fn never_ended(error: &JoinError) -> Failure {
    Failure::Other(error.to_string())
}
