use std::time::Duration;

use tower_upstream::nginx::values::{Value, buffers, fill, flag, size, time_ms};
use tower_upstream::nginx::{Contexts, Directive, Problems, locations_together, served};

use super::scope::Scope;
use super::shared::{Shared, unread};
use super::ssl::Ssl;
use super::{answer, listen, location, server_name};
use crate::config::{Action, Matcher, Return, Server, ServerName};

/// NGINX's `connection_pool_size`.
const POOL_SIZE: usize = 512;

/// What holds before a location is known: http and server levels only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads {
    timeout: Option<Duration>,
    buffer: Option<usize>,
    large_buffers: Option<(usize, usize)>,
    http2: Option<bool>,
}

impl Heads {
    /// False if the directive is another one.
    pub(crate) fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "client_header_timeout" => fill(&mut self.timeout, d, problems, time_ms),
            "client_header_buffer_size" => fill(&mut self.buffer, d, problems, size),
            "large_client_header_buffers" => {
                fill(&mut self.large_buffers, d, problems, large_buffers);
            }
            "http2" => fill(&mut self.http2, d, problems, flag),
            _ => return false,
        }
        true
    }

    fn inherit(&mut self, outer: &Self) {
        self.timeout = self.timeout.or(outer.timeout);
        self.buffer = self.buffer.or(outer.buffer);
        self.large_buffers = self.large_buffers.or(outer.large_buffers);
        self.http2 = self.http2.or(outer.http2);
    }
}

/// NUMBER SIZE, a size that is of use.
fn large_buffers(d: &Directive) -> Value<(usize, usize)> {
    let (count, size) = buffers(d)?;
    match size {
        ..POOL_SIZE => Err(
            "the \"large_client_header_buffers\" size must be equal to or greater \
                            than \"connection_pool_size\""
                .into(),
        ),
        _ => Ok((count, size)),
    }
}

/// Reads a `server { }` and adds it to the servers.
pub(crate) fn read(
    block: &Directive,
    outer: &Scope,
    heads: &Heads,
    around: &Ssl,
    shared: &mut Shared,
) {
    let mut scope = Scope::default();
    let mut own_heads = Heads::default();
    let mut ssl = Ssl::default();
    let mut names = Vec::new();
    let mut returns: Option<Return> = None;
    let mut locations = Vec::new();
    let mut listens = Vec::new();
    for d in block.children() {
        if !served(d, Contexts::SERVER, &mut shared.problems) {
            continue;
        }
        match d.name() {
            "listen" => listens.push(d),
            "server_name" => server_name::read(d, &mut names, &mut shared.problems),
            "return" => answer::returns(&mut returns, d, &mut shared.problems),
            "location" => locations.push(d),
            _ => {
                let known = own_heads.directive(d, &mut shared.problems)
                    || ssl.directive(d, shared)
                    || scope.directive(d, shared);
                if !known {
                    unread(d, &mut shared.problems);
                }
            }
        }
    }
    scope.inherit(outer, shared);
    own_heads.inherit(heads);
    ssl.inherit(around);
    if !ssl.has_certificates() {
        let place = block.name.place.clone();
        let here = (shared.servers.len(), place, ssl.rejects());
        shared.bare.push(here);
    }
    locations_together(None, &locations, &mut shared.problems);
    let locations: Vec<_> = locations
        .into_iter()
        .map(|d| location::read(d, &scope, shared))
        .collect();
    if names.is_empty() {
        names.push(ServerName::Exact(String::new()));
    }
    listen::read(block, &listens, shared.servers.len(), shared);
    let level = scope.level(Matcher::Level, Action::None, None, Vec::new(), shared);
    let tls = ssl.site(shared);
    shared.servers.push(Server {
        names,
        client_header_timeout: own_heads.timeout.unwrap_or(Duration::from_secs(60)),
        client_header_buffer_size: own_heads.buffer.unwrap_or(1024),
        large_client_header_buffers: own_heads.large_buffers.unwrap_or((4, 8192)),
        http2: own_heads.http2.unwrap_or(false),
        tls,
        verify_client: ssl.verify_client(),
        level,
        returns,
        locations,
    });
}
