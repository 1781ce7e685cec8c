use super::servers::{Look, Servers};
use crate::balance::unless;
use crate::upstream::config::ConfigError;
use crate::upstream::{Group, Members};

/// Keeps a group's members as DNS has them: its lines with [`resolve`](crate::Server::resolve) behind
/// those that never change.
///
/// It has no task of its own and does something only while one of its futures is polled; one
/// follower serves all [workers](Group::worker) of the group, and does not keep the group alive. It
/// replaces the whole list, so what others change through [`Members`] lasts until its next change.
///
/// Before the first answer such a line stands for no peer (DN-1): where there are no others,
/// requests end with [`NoLiveUpstreams`](crate::ErrorKind::NoLiveUpstreams), 502.
/// [`answered`](Self::answered) is for those who would rather wait. A group that was
/// [reconfigured](Group::reconfigured) begins with what was known of the same lines, until all of
/// them have been answered.
#[derive(Debug)]
pub struct Follower {
    members: Members,
    servers: Servers,
    /// What the group has is from here.
    published: bool,
}

impl Follower {
    /// Asks nobody before the first poll.
    ///
    /// # Errors
    ///
    /// A resolver that cannot be built.
    pub fn new(group: &Group) -> Result<Self, ConfigError> {
        let members = group.members();
        Ok(Self {
            servers: Servers::beside(members.fixed(), group.config())?,
            members,
            published: false,
        })
    }

    /// The next look at one of the lines, once what it brought is the group's. `None` when there is
    /// nothing to follow any more: the group is gone, or no line follows DNS.
    ///
    /// Cancel safe: a look that was begun goes on with the next call, and a dropped follower leaves
    /// the members as they are.
    pub async fn next(&mut self) -> Option<Look<'_>> {
        if self.servers.is_fixed() {
            return None;
        }
        let (line, changed) = unless(self.members.gone(), self.servers.next_look()).await?;
        self.servers.fixed = self.members.fixed();
        let changed = changed && (self.published || self.may_begin());
        self.published |= changed;
        // Addresses are literal, and the lines were checked with the group: nothing is refused.
        let changed = changed && self.members.set(self.servers.list()).is_ok();
        Some(self.servers.look_at(line, changed))
    }

    /// One line's answer would take away what an earlier configuration knew of the others.
    fn may_begin(&self) -> bool {
        let knows_none = || self.members.servers().len() == self.servers.fixed.len();
        self.is_answered() || knows_none()
    }

    /// Whether every line has been answered, if only with NXDOMAIN; failed looks are no answers.
    pub fn is_answered(&self) -> bool {
        self.servers.is_answered()
    }

    /// [Follows](Self::next) until [`is_answered`](Self::is_answered), or until the group is gone. A
    /// name server that does not answer is waited for without end: set a timeout, and go on with the
    /// group as it is. Cancel safe.
    pub async fn answered(&mut self) {
        while !self.is_answered() && self.next().await.is_some() {}
    }
}
