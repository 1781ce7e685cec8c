use std::fmt;
use std::sync::{Arc, Weak};

use tower::discover::{Change, Discover};

use super::known::Known;
use super::source::Source;
use crate::balance::{Member, Roster, unless};
use crate::upstream::{Endpoint, Endpoints};

type Way<S> = (Member, Arc<Endpoint<S>>);

/// Keeps the endpoints of an [`Engine`](crate::upstream::Engine) as a stream of services has them: a
/// service that the stream inserts is the endpoint's service.
///
/// It has no task of its own and does something only while [`next`](Self::next) is polled, and does
/// not keep the engine alive. Its first change replaces whoever the roster began with.
pub struct EndpointFollower<D: Discover, F> {
    roster: Weak<Endpoints<D::Service>>,
    member: F,
    known: Known<D::Key, Way<D::Service>>,
    source: Source<D>,
}

impl<D, F> EndpointFollower<D, F>
where
    D: Discover,
    F: FnMut(&D::Key) -> Member,
{
    /// Nothing is polled yet. `member` tells the name and the parameters of a newcomer; what is known
    /// of a peer is kept as long as its name, its origin and its list stay the same, whatever service
    /// reaches it.
    pub fn new(roster: &Arc<Endpoints<D::Service>>, discover: D, member: F) -> Self {
        Self {
            roster: Arc::downgrade(roster),
            member,
            known: Known::new(),
            source: Source::new(discover),
        }
    }

    /// The next changes, once they are the roster's: as many as there are make one change of
    /// membership. Tells how the stream failed, which changes nothing. `None` when there is nothing
    /// to follow any more: the roster is gone with its last request, or the stream has ended, whose
    /// last list stays.
    ///
    /// Cancel safe: nothing that was taken from the stream is lost.
    pub async fn next(&mut self) -> Option<Vec<D::Error>> {
        let gone = self.roster.upgrade().as_deref().map(Roster::gone)?;
        let changes = unless(gone, self.source.changes()).await??;
        let (mut troubles, mut changed) = (Vec::new(), false);
        for change in changes {
            match change {
                Ok(Change::Insert(key, service)) => {
                    let member = (self.member)(&key);
                    let name = Arc::clone(&member.name);
                    let endpoint = Arc::new(Endpoint { name, service });
                    self.known.insert(key, (member, endpoint));
                    changed = true;
                }
                Ok(Change::Remove(key)) => changed |= self.known.remove(&key),
                Err(error) => troubles.push(error),
            }
        }
        if changed {
            let roster = self.roster.upgrade()?;
            roster.set(self.known.values().cloned().collect());
        }
        Some(troubles)
    }
}

impl<D: Discover, F> fmt::Debug for EndpointFollower<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointFollower")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
