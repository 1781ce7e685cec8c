mod active_check;
mod method;
mod own;
mod resolver;
mod server;
mod sticky;
mod zone;

use std::time::Duration;

use self::own::Own;
pub use self::resolver::ResolverLevel;
use super::{Contexts, Directive, Problems, grammar, units, values};
use crate::semantics::Semantics;
use crate::upstream::config::GroupConfig;

/// Reads an `upstream NAME { }` inside a level with `resolver`s of its own; problems go where
/// problems go, `None` if there are errors. Variables are looked at by
/// [`Lookups::read`](super::Lookups::read).
///
/// ```
/// use tower_upstream::balance::Method;
/// use tower_upstream::nginx::{Problems, ResolverLevel, parse, upstream_block};
///
/// let mut problems = Problems::new();
/// let text = "upstream orders { least_conn; server 127.0.0.1:8080 max_fails=3; keepalive 32; }";
/// let block = parse(text, "nginx.conf", &mut problems);
/// let group = upstream_block(&block[0], &ResolverLevel::default(), &mut problems).unwrap();
/// assert_eq!(group.method, Method::LeastConn);
/// assert_eq!(group.servers[0].max_fails, 3);
/// assert_eq!(group.keepalive.connections, 32);
/// ```
pub fn upstream_block(
    block: &Directive,
    around: &ResolverLevel,
    problems: &mut Problems,
) -> Option<GroupConfig> {
    let mut mine = Problems::new();
    let mut reader = Reader::new(block);
    for directive in block.children() {
        if grammar::served(directive, Contexts::UPSTREAM, &mut mine) {
            reader.directive(directive, &mut mine);
        }
    }
    let servers = block.children().iter().filter(|d| d.name() == "server");
    if servers.count() == 0 {
        mine.push(&block.end, "no servers are inside upstream");
    } else if !mine.has_errors() && reader.group.servers.iter().all(|s| s.backup) {
        let message = format!("no servers in upstream \"{}\"", reader.group.name);
        mine.push(&block.name.place, message);
    }
    let group = reader.finish(around, block, &mut mine);
    let usable = !mine.has_errors();
    problems.extend(mine);
    usable.then_some(group)
}

struct Reader {
    group: GroupConfig,
    own: Own,
    resolver: ResolverLevel,
    /// Some directive has had its say about balancing.
    chosen: bool,
    keepalive: Option<usize>,
    requests: Option<u64>,
    time: Option<Duration>,
    timeout: Option<Duration>,
    /// `keepalive` came before the method.
    cache_lost: bool,
}

impl Reader {
    fn new(block: &Directive) -> Self {
        let mut group = GroupConfig::new(block.arg(0));
        // What the order of directives means depends on it.
        let semantics = block.children().iter().find(|d| d.name() == "semantics");
        let semantics = semantics.and_then(|d| own::semantics(d).ok());
        group.semantics = semantics.unwrap_or_default();
        Self {
            group,
            own: Own::default(),
            resolver: ResolverLevel::default(),
            chosen: false,
            keepalive: None,
            requests: None,
            time: None,
            timeout: None,
            cache_lost: false,
        }
    }

    fn directive(&mut self, d: &Directive, problems: &mut Problems) {
        if self.own.directive(d, problems)
            || self.resolver.directive(d, problems)
            || self.method(d, problems)
        {
            return;
        }
        let done = match d.name() {
            "server" => server::read(d, self.group.method).map(|s| self.group.servers.push(s)),
            "zone" => zone::read(d).map(|()| self.group.zone = true),
            "sticky" if self.group.sticky.is_some() => {
                return problems.push(&d.name.place, values::duplicate(d));
            }
            "sticky" => {
                self.wrapped();
                sticky::read(d).map(|sticky| self.group.sticky = Some(sticky))
            }
            "keepalive" => {
                self.wrapped();
                return values::fill(&mut self.keepalive, d, problems, connections);
            }
            "keepalive_requests" => {
                return values::fill(&mut self.requests, d, problems, values::number);
            }
            "keepalive_time" => {
                return values::fill(&mut self.time, d, problems, values::time_ms);
            }
            "keepalive_timeout" => {
                return values::fill(&mut self.timeout, d, problems, values::time_ms);
            }
            // `served` lets nothing else through; a row without a reader must not pass in silence.
            other => Err((0, format!("unknown directive \"{other}\""))),
        };
        if let Err((index, message)) = done {
            problems.push(d.place(index), message);
        }
    }

    /// `keepalive` and `sticky` wrap the method before them; one that follows replaces them (KA-14).
    /// Repaired, the order is free.
    fn wrapped(&mut self) {
        self.chosen |= self.group.semantics == Semantics::Nginx;
    }

    /// A balancing method; the last one counts.
    fn method(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        let (method, key) = match method::read(d) {
            None => return false,
            Some(Ok(found)) => found,
            Some(Err((index, message))) => {
                problems.push(d.place(index), message);
                return true;
            }
        };
        if std::mem::replace(&mut self.chosen, true) {
            problems.warn(&d.name.place, "load balancing method redefined");
        }
        if self.group.semantics == Semantics::Nginx {
            self.cache_lost |= self.keepalive.is_some();
            self.group.sticky = None;
        }
        (self.group.method, self.group.hash_key) = (method, key);
        true
    }

    fn finish(
        self,
        around: &ResolverLevel,
        block: &Directive,
        problems: &mut Problems,
    ) -> GroupConfig {
        let mut group = self.group;
        self.own.finish(&mut group);
        let keepalive = &mut group.keepalive;
        keepalive.connections = match self.cache_lost {
            true => 0,
            false => self.keepalive.unwrap_or(keepalive.connections),
        };
        keepalive.requests = self.requests.unwrap_or(keepalive.requests);
        keepalive.time = self.time.unwrap_or(keepalive.time);
        keepalive.timeout = self.timeout.unwrap_or(keepalive.timeout);
        let resolver = self.resolver.under(around);
        if group.servers.iter().any(|server| server.follows_dns()) {
            let message = match (group.zone, &resolver) {
                (false, _) => Some(format!(
                    "resolving names at run time requires upstream \"{}\" to be in shared memory",
                    group.name
                )),
                (true, None) => Some(format!(
                    "no resolver defined to resolve names at run time in upstream \"{}\"",
                    group.name
                )),
                (true, Some(_)) => None,
            };
            if let Some(message) = message {
                problems.push(&block.name.place, message);
            }
        }
        group.resolver = resolver.unwrap_or_default();
        group
    }
}

fn connections(d: &Directive) -> values::Value<usize> {
    match units::number(d.arg(0)).and_then(|n| usize::try_from(n).ok()) {
        Some(connections @ 1..) => Ok(connections),
        _ => Err(format!(
            "invalid value \"{}\" in \"keepalive\" directive",
            d.arg(0)
        )),
    }
}

/// What only shows when all upstream blocks are known: names used twice (CF-7), zones that nobody
/// gives a size, two different ones, or two purposes.
pub fn upstream_blocks_together(blocks: &[&Directive], problems: &mut Problems) {
    let mut names: Vec<String> = Vec::new();
    for block in blocks {
        let name = block.arg(0).to_ascii_lowercase();
        if names.contains(&name) {
            let message = format!("duplicate upstream \"{}\"", block.arg(0));
            problems.push(&block.name.place, message);
        }
        names.push(name);
    }
    zone::sizes(blocks, problems);
    sticky::zones(blocks, problems);
}
