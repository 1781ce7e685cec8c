use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio_rustls::rustls::client::Resumption;

use crate::connect::Address;

/// Addresses whose sessions are remembered; with more, all are forgotten. It costs them a handshake.
const MOST: usize = 1024;

/// Enough for one name at one address; rustls keeps eight tickets of it.
const ONE: usize = 1;

/// Sessions by address. rustls knows them by name, and the servers of a group share one: each would
/// be shown what another has given, and none could make anything of it.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Address, Resumption>>);

impl Sessions {
    pub(super) fn of(&self, address: &Address) -> Resumption {
        // No panic leaves a map half changed.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sessions) = known.get(address) {
            return sessions.clone();
        }
        if known.len() >= MOST {
            known.clear();
        }
        let sessions = Resumption::in_memory_sessions(ONE);
        known.insert(address.clone(), sessions.clone());
        sessions
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
