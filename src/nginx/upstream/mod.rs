use std::time::Duration;

use super::{Address, Contexts, Directive, Problems, grammar, units, values};
use crate::upstream::config::{GroupConfig, Server};

/// Eight pages: less cannot hold a group.
const MIN_ZONE: u64 = 8 * 4096;

/// Reads an `upstream NAME { }`; problems go where problems go, `None` if there are errors.
///
/// ```
/// use tower_upstream::nginx::{Problems, parse, upstream_block};
///
/// let mut problems = Problems::new();
/// let text = "upstream orders { server 127.0.0.1:8080 max_fails=3; keepalive 32; }";
/// let block = parse(text, "nginx.conf", &mut problems);
/// let group = upstream_block(&block[0], &mut problems).unwrap();
/// assert_eq!(group.servers[0].max_fails, 3);
/// assert_eq!(group.keepalive.connections, 32);
/// ```
pub fn upstream_block(block: &Directive, problems: &mut Problems) -> Option<GroupConfig> {
    let mut mine = Problems::new();
    let mut reader = Reader {
        group: GroupConfig::new(block.arg(0)),
        ..Reader::default()
    };
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
    let usable = !mine.has_errors();
    problems.extend(mine);
    usable.then(|| reader.finish())
}

struct Reader {
    group: GroupConfig,
    keepalive: Option<usize>,
    requests: Option<u64>,
    time: Option<Duration>,
    timeout: Option<Duration>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            group: GroupConfig::new(""),
            keepalive: None,
            requests: None,
            time: None,
            timeout: None,
        }
    }
}

impl Reader {
    fn directive(&mut self, d: &Directive, problems: &mut Problems) {
        match d.name() {
            "server" => match server(d) {
                Ok(server) => self.group.servers.push(server),
                Err((index, message)) => problems.push(d.place(index), message),
            },
            "zone" => match zone(d) {
                Ok(()) => self.group.zone = true,
                Err((index, message)) => problems.push(d.place(index), message),
            },
            "keepalive" => values::fill(&mut self.keepalive, d, problems, connections),
            "keepalive_requests" => {
                values::fill(&mut self.requests, d, problems, values::number);
            }
            "keepalive_time" => values::fill(&mut self.time, d, problems, values::time_ms),
            "keepalive_timeout" => values::fill(&mut self.timeout, d, problems, values::time_ms),
            // `served` lets nothing else through; a row without a reader must not pass in silence.
            other => problems.push(&d.name.place, format!("unknown directive \"{other}\"")),
        }
    }

    fn finish(self) -> GroupConfig {
        let mut group = self.group;
        let keepalive = &mut group.keepalive;
        keepalive.connections = self.keepalive.unwrap_or(keepalive.connections);
        keepalive.requests = self.requests.unwrap_or(keepalive.requests);
        keepalive.time = self.time.unwrap_or(keepalive.time);
        keepalive.timeout = self.timeout.unwrap_or(keepalive.timeout);
        group
    }
}

/// What is wrong, and with which argument.
type Wrong = (usize, String);

/// `server ADDRESS [PARAMETER ...]`; a repeated parameter overrides (CF-2).
fn server(d: &Directive) -> Result<Server, Wrong> {
    let address = d.arg(0);
    let mut server = Server::new(address);
    for (index, word) in d.args.iter().enumerate().skip(1) {
        if !parameter(&mut server, &word.text) {
            return Err((index, format!("invalid parameter \"{}\"", word.text)));
        }
    }
    match Address::parse(address) {
        Ok(_) => Ok(server),
        Err(what) => Err((0, format!("{what} in upstream \"{address}\""))),
    }
}

/// False if the word means nothing here.
fn parameter(server: &mut Server, word: &str) -> bool {
    match word.split_once('=') {
        Some(("weight", value)) => match count(value) {
            Some(weight @ 1..) => server.weight = weight,
            _ => return false,
        },
        Some(("max_fails", value)) => match count(value) {
            Some(fails) => server.max_fails = fails,
            None => return false,
        },
        Some(("max_conns", value)) => match count(value) {
            Some(conns) => server.max_conns = conns,
            None => return false,
        },
        Some(("fail_timeout", value)) => match units::time_s(value) {
            Some(time) => server.fail_timeout = time,
            None => return false,
        },
        None if word == "backup" => server.backup = true,
        None if word == "down" => server.down = true,
        _ => return false,
    }
    true
}

/// Digits; what does not fit means "more than ever happens", as in NGINX's wider integers.
fn count(text: &str) -> Option<u32> {
    let number = units::number(text)?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
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

/// `zone NAME [SIZE]`. Another upstream may give the size; [`zone_sizes`] looks for it.
fn zone(d: &Directive) -> Result<(), Wrong> {
    let (name, size) = (d.arg(0), d.arg(1));
    if name.is_empty() {
        return Err((0, "invalid zone name \"\"".into()));
    }
    if d.args.len() < 2 {
        return Ok(());
    }
    match units::size(size) {
        None => Err((1, format!("invalid zone size \"{size}\""))),
        Some(bytes) if bytes < MIN_ZONE => Err((1, format!("zone \"{name}\" is too small"))),
        Some(_) => Ok(()),
    }
}

/// What only shows when all upstream blocks are known: names used twice (CF-7), zones that nobody
/// gives a size, or two different ones.
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
    zone_sizes(blocks, problems);
}

fn zone_sizes(blocks: &[&Directive], problems: &mut Problems) {
    let mut sizes: Vec<(&str, u64)> = Vec::new();
    let zones = || {
        let all = blocks.iter().flat_map(|block| block.children());
        all.filter(|d| d.name() == "zone" && !d.args.is_empty())
    };
    for zone in zones() {
        let Some(size) = zone.args.get(1).and_then(|word| units::size(&word.text)) else {
            continue;
        };
        match sizes.iter().find(|(name, _)| *name == zone.arg(0)) {
            Some((name, first)) if *first != size => problems.push(
                zone.place(1),
                format!(
                    "the size {size} of shared memory zone \"{name}\" \
                     conflicts with already declared size {first}"
                ),
            ),
            Some(_) => {}
            None => sizes.push((zone.arg(0), size)),
        }
    }
    let mut missing: Vec<&str> = Vec::new();
    for zone in zones().filter(|d| d.args.len() == 1) {
        let name = zone.arg(0);
        if !sizes.iter().any(|(sized, _)| *sized == name) && !missing.contains(&name) {
            missing.push(name);
            let message = format!("zero size shared memory zone \"{name}\"");
            problems.push(zone.place(0), message);
        }
    }
}
