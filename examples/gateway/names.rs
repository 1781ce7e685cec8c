//! Servers whose names are looked up again and again: one follower for each group that has any.

use tokio::task::AbortHandle;
use tower_upstream::dns::Follower;
use tower_upstream::{ConfigError, Group};

use crate::config::Level;
use crate::log::error::Log;

/// Followers of a crew's groups, on the master's runtime; they end when this is dropped.
#[derive(Debug)]
pub struct Names(Vec<AbortHandle>);

impl Names {
    /// Those who will follow `groups`; they ask nobody yet.
    pub fn of(groups: &[Group]) -> Result<Vec<Follower>, ConfigError> {
        let followed = |group: &&Group| group.config().servers.iter().any(|line| line.resolve);
        groups.iter().filter(followed).map(Follower::new).collect()
    }

    /// Lets them begin, and what goes wrong be told in `log`.
    pub fn follow(followers: Vec<Follower>, log: &Log) -> Self {
        let begin = |mut follower: Follower| {
            let log = log.clone();
            let task = tokio::spawn(async move {
                while let Some(look) = follower.next().await {
                    for trouble in look.watch.troubles() {
                        log.write(Level::Error, format_args!("{trouble}"));
                    }
                }
            });
            task.abort_handle()
        };
        Self(followers.into_iter().map(begin).collect())
    }

    /// Nobody asks any more.
    pub fn end(&self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.end();
    }
}
