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
    fixed: Vec<Server>,
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
        let (named, fixed): (Vec<_>, Vec<_>) =
            config.servers.iter().partition(|line| line.follows_dns());
        let mut problems = Vec::new();
        let mut servers = Self {
            fixed: Vec::new(),
            named: Vec::new(),
        };
        for line in fixed {
            match Address::resolve(&line.address) {
                Ok(found) => servers.fixed.extend(found.iter().map(|address| Server {
                    address: address.to_string(),
                    ..line.clone()
                })),
                Err(problem) => problems.push(problem),
            }
        }
        if !named.is_empty() {
            match Resolver::new(&config.resolver) {
                Ok(resolver) => {
                    for line in named {
                        let target = Target::new(line)?;
                        servers.named.push(Updates::new(resolver.clone(), target));
                    }
                }
                Err(error) => problems.extend_from_slice(error.problems()),
            }
        }
        match problems.is_empty() {
            true => Ok(servers),
            false => Err(ConfigError::new(problems)),
        }
    }

    /// Whether nothing can ever change, since no line follows DNS.
    pub fn is_fixed(&self) -> bool {
        self.named.is_empty()
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
        let (line, changed) = poll_fn(|cx| self.poll_any(cx)).await;
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
