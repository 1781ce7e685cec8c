//! From nginx.conf to [`Config`]: NGINX's contexts, inheritance, duplicates and messages, one file
//! per family of directives. Nothing is ignored: what is not served is a problem with its place.

mod answer;
mod door;
mod forward;
mod http;
mod limit;
mod listen;
mod location;
mod log;
mod pass;
mod real_ip;
mod regex;
mod scope;
mod server;
mod server_name;
mod shared;
mod ssl;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tower_upstream::nginx::{Contexts, Directive, Place, Problems, load, served, units, values};

use crate::config::{Config, ErrorLog};
use crate::tls::Stores;
use crate::variables;
use shared::Shared;

/// `worker_connections` where nothing is said.
const WORKER_CONNECTIONS: usize = 512;

/// Reads a configuration file with everything it includes. There is no configuration if there are
/// errors; warnings may come with one. `stores` are the TLS sessions that configurations hand on to
/// each other.
pub(crate) fn read(path: &Path, stores: &Stores) -> (Option<Config>, Problems) {
    let mut problems = Problems::new();
    let tree = load(path, &mut problems);
    // Not to the prefix: NGINX keeps certificates beside the file that names them.
    let base = path.parent().unwrap_or(Path::new(""));
    let mut shared = Shared::new(problems, base, stores);
    let main = Main::read(&tree, &mut shared);
    if !shared.problems.has_errors() && !main.has_events {
        let whole = Place::whole(&path.to_string_lossy());
        let message = "no \"events\" section in configuration";
        shared.problems.push(&whole, message);
    }
    let listens = std::mem::take(&mut shared.listens).finish();
    for listen in listens.iter().filter(|listen| listen.ssl) {
        let bare = |server| shared.bare.iter().find(|(bare, ..)| *bare == server);
        if bare(listen.default_server).is_none() {
            continue;
        }
        let all = [listen.default_server]
            .into_iter()
            .chain(listen.servers.iter().copied());
        let mut lost = all.filter_map(bare).filter(|(.., rejects)| !rejects);
        if let Some((_, place, _)) = lost.next() {
            let message = "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive";
            shared.problems.push(place, message);
        }
    }
    let connections = main.worker_connections.unwrap_or(WORKER_CONNECTIONS);
    if connections <= listens.len() {
        let whole = Place::whole(&path.to_string_lossy());
        let place = main.connections_at.as_ref().unwrap_or(&whole);
        let message = format!(
            "{connections} worker_connections are not enough for {} listening sockets",
            listens.len()
        );
        shared.problems.push(place, message);
    }
    shared.problems.sort();
    let config = (!shared.problems.has_errors()).then_some(Config {
        workers: main.workers.unwrap_or(1).max(1),
        worker_connections: connections,
        shutdown_timeout: main.shutdown_timeout,
        pid: main.pid,
        error_log: main.error_log,
        groups: shared.groups,
        request_zones: shared.zones.requests,
        connection_zones: shared.zones.connections,
        log_formats: shared.log_formats,
        listens,
        servers: shared.servers,
    });
    (config, shared.problems)
}

/// The main level.
#[derive(Default)]
struct Main {
    workers: Option<usize>,
    worker_connections: Option<usize>,
    connections_at: Option<Place>,
    shutdown_timeout: Option<Duration>,
    pid: Option<PathBuf>,
    error_log: Option<ErrorLog>,
    user: Option<()>,
    daemon: Option<bool>,
    master_process: Option<bool>,
    has_events: bool,
    has_http: bool,
}

impl Main {
    fn read(tree: &[Directive], shared: &mut Shared) -> Self {
        let mut main = Self::default();
        for d in tree {
            if served(d, Contexts::MAIN, &mut shared.problems) {
                main.directive(d, shared);
            }
        }
        main
    }

    fn directive(&mut self, d: &Directive, shared: &mut Shared) {
        let problems = &mut shared.problems;
        match d.name() {
            "worker_processes" => values::fill(&mut self.workers, d, problems, workers),
            "worker_shutdown_timeout" => {
                values::fill(&mut self.shutdown_timeout, d, problems, values::time_ms);
            }
            "pid" => values::fill(&mut self.pid, d, problems, |d| Ok(d.arg(0).into())),
            "error_log" => log::error_log(&mut self.error_log, d, problems),
            "user" => without_effect(&mut self.user, d, problems, |_| Ok(())),
            "daemon" => without_effect(&mut self.daemon, d, problems, values::flag),
            "master_process" => {
                without_effect(&mut self.master_process, d, problems, values::flag);
            }
            "events" if self.has_events => problems.push(&d.name.place, values::duplicate(d)),
            "events" => {
                self.has_events = true;
                self.events(d, problems);
            }
            "http" if self.has_http => problems.push(&d.name.place, values::duplicate(d)),
            "http" => {
                self.has_http = true;
                http::read(d, shared);
            }
            _ => shared::unread(d, problems),
        }
    }

    fn events(&mut self, block: &Directive, problems: &mut Problems) {
        for d in block.children() {
            if served(d, Contexts::EVENTS, problems) {
                self.connections_at = Some(d.place(0).clone());
                values::fill(&mut self.worker_connections, d, problems, connections);
            }
        }
    }
}

/// Checked as if it had one.
fn without_effect<T>(
    slot: &mut Option<T>,
    d: &Directive,
    problems: &mut Problems,
    read: impl FnOnce(&Directive) -> values::Value<T>,
) {
    let before = slot.is_some();
    values::fill(slot, d, problems, read);
    if slot.is_some() && !before {
        let message = format!("\"{}\" has no effect", d.name());
        problems.warn(&d.name.place, message);
    }
}

fn workers(d: &Directive) -> values::Value<usize> {
    if d.arg(0) == "auto" {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from));
    }
    units::number(d.arg(0))
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| values::invalid_value(d))
}

fn connections(d: &Directive) -> values::Value<usize> {
    units::number(d.arg(0))
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| format!("invalid number \"{}\"", d.arg(0)))
}
