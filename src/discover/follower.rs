use std::fmt;

use tower::discover::{Change, Discover};

use super::known::Known;
use super::source::Source;
use crate::balance::unless;
use crate::upstream::config::{ConfigError, Server};
use crate::upstream::{Group, Members, checked};

/// Keeps a group's members as a stream of [`Server`]s has them, behind those of its configuration.
/// Keys are the stream's own.
///
/// It has no task of its own and does something only while [`next`](Self::next) is polled; one
/// follower serves all [workers](Group::worker) of the group, and does not keep the group alive. It
/// replaces the whole list, so what others change through [`Members`] lasts until its next change.
pub struct Follower<D: Discover<Service = Server>> {
    members: Members,
    known: Known<D::Key, Server>,
    source: Source<D>,
}

/// What is wrong with a change; the members stay as they are.
#[derive(Debug)]
pub enum Trouble<E> {
    /// The stream has failed.
    Stream(E),
    /// It names a server that cannot be one: its address is not literal, its parameters make no
    /// sense. A server that it was to replace stays.
    Server(ConfigError),
}

impl<D: Discover<Service = Server>> Follower<D> {
    /// Nothing is polled yet. A group may begin without servers if it is
    /// [`dynamic`](crate::GroupConfig::dynamic).
    pub fn new(group: &Group, discover: D) -> Self {
        Self {
            members: group.members(),
            known: Known::new(),
            source: Source::new(discover),
        }
    }

    /// The next changes, once they are the group's: as many as there are make one change of
    /// membership. Tells what was wrong with them. `None` when there is nothing to follow any more:
    /// the group is gone, or the stream has ended, whose last list stays.
    ///
    /// Cancel safe: nothing that was taken from the stream is lost.
    pub async fn next(&mut self) -> Option<Vec<Trouble<D::Error>>> {
        let changes = unless(self.members.gone(), self.source.changes()).await??;
        let (mut troubles, mut changed) = (Vec::new(), false);
        for change in changes {
            match change {
                Ok(Change::Insert(key, server)) => match checked(vec![server.clone()]) {
                    Ok(_) => {
                        self.known.insert(key, server);
                        changed = true;
                    }
                    Err(error) => troubles.push(Trouble::Server(error)),
                },
                Ok(Change::Remove(key)) => changed |= self.known.remove(&key),
                Err(error) => troubles.push(Trouble::Stream(error)),
            }
        }
        if changed {
            let mut servers = self.members.fixed();
            servers.extend(self.known.values().cloned());
            // Each of them was checked.
            troubles.extend(self.members.set(servers).map_err(Trouble::Server).err());
        }
        Some(troubles)
    }
}

impl<E: fmt::Display> fmt::Display for Trouble<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::Server(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Trouble<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Stream(error) => error.source(),
            Self::Server(error) => error.source(),
        }
    }
}

impl<D: Discover<Service = Server>> fmt::Debug for Follower<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("members", &self.members)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
