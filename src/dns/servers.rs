use std::future::poll_fn;
use std::task::{Context, Poll};

use super::resolver::Resolver;
use super::target::Target;
use super::updates::Updates;
use super::watch::Watch;
use crate::connect::Address;
use crate::upstream::config::{ConfigError, GroupConfig, Server};

/// All servers of a group with literal addresses: the lines that never change first, then what DNS
/// says of each line with [`resolve`](Server::resolve), as NGINX has them.
///
/// Like [`Updates`], it asks only while it is polled, and its futures are cancel safe.
#[derive(Debug)]
pub struct Servers {
    pub(super) fixed: Vec<Server>,
    named: Vec<Updates>,
}

/// A look at one line.
#[derive(Debug)]
pub struct Look<'a> {
    /// What is known of the line now, and what went wrong.
    pub watch: &'a Watch,
    /// The line's list is another one than before.
    pub changed: bool,
}

impl Servers {
    /// Names without `resolve` are looked up here, once and blocking, as at the group's start.
    ///
    /// # Errors
    ///
    /// Names that cannot be found, and a resolver that cannot be built.
    pub fn new(config: &GroupConfig) -> Result<Self, ConfigError> {
        let (mut fixed, mut problems) = (Vec::new(), Vec::new());
        for line in config.servers.iter().filter(|line| !line.follows_dns()) {
            match Address::resolve(&line.address) {
                Ok(found) => fixed.extend(found.iter().map(|address| line.at(address))),
                Err(problem) => problems.push(problem),
            }
        }
        match Self::beside(fixed, config) {
            Err(error) => problems.extend_from_slice(error.problems()),
            Ok(servers) if problems.is_empty() => return Ok(servers),
            Ok(_) => {}
        }
        Err(ConfigError::new(problems))
    }

    /// The same, where it is known already what does not change.
    pub(super) fn beside(fixed: Vec<Server>, config: &GroupConfig) -> Result<Self, ConfigError> {
        let lines = config.servers.iter().filter(|line| line.follows_dns());
        let targets = lines.map(Target::new).collect::<Result<Vec<_>, _>>()?;
        let mut named = Vec::new();
        if !targets.is_empty() {
            let resolver = Resolver::new(&config.resolver)?;
            let updates = |target| Updates::new(resolver.clone(), target);
            named.extend(targets.into_iter().map(updates));
        }
        Ok(Self { fixed, named })
    }

    /// Whether nothing can ever change, since no line follows DNS.
    pub fn is_fixed(&self) -> bool {
        self.named.is_empty()
    }

    /// Whether DNS has said of every line who its servers are, if only that there are none.
    pub fn is_answered(&self) -> bool {
        self.named.iter().all(|line| line.watch().is_answered())
    }

    /// Everyone who is known.
    pub fn list(&self) -> Vec<Server> {
        let mut list = self.fixed.clone();
        for updates in &self.named {
            let watch = updates.watch();
            let line = watch.target().line();
            list.extend(watch.members().iter().map(|member| member.server(line)));
        }
        list
    }

    /// The next list that differs from the one before; for ever pending if the servers are
    /// [fixed](Self::is_fixed). Cancel safe.
    pub async fn next(&mut self) -> Vec<Server> {
        while !self.look().await.changed {}
        self.list()
    }

    /// The next look at any of the lines, whatever it brings. Cancel safe.
    pub async fn look(&mut self) -> Look<'_> {
        let (line, changed) = self.next_look().await;
        self.look_at(line, changed)
    }

    /// Which line was looked at, and whether its list is another one. Cancel safe.
    pub(super) async fn next_look(&mut self) -> (usize, bool) {
        poll_fn(|cx| self.poll_any(cx)).await
    }

    pub(super) fn look_at(&self, line: usize, changed: bool) -> Look<'_> {
        Look {
            watch: self.named[line].watch(),
            changed,
        }
    }

    fn poll_any(&mut self, cx: &mut Context<'_>) -> Poll<(usize, bool)> {
        for (line, updates) in self.named.iter_mut().enumerate() {
            // Looks at a line are at least a second apart, so none keeps the others waiting.
            if let Poll::Ready(changed) = updates.poll_look(cx) {
                return Poll::Ready((line, changed));
            }
        }
        Poll::Pending
    }
}
