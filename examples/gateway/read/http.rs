use tower_upstream::nginx::{
    Address, Contexts, Directive, served, upstream_block, upstream_blocks_together,
};

use super::scope::Scope;
use super::server::{self, Heads};
use super::shared::{Shared, unread};
use super::{log, pass, server_name};

/// Reads `http { }`. Upstreams and log formats first: servers refer to them wherever they stand.
pub(crate) fn read(block: &Directive, shared: &mut Shared) {
    let mut scope = Scope::default();
    let mut heads = Heads::default();
    let (mut upstreams, mut formats, mut servers, mut rest) = (vec![], vec![], vec![], vec![]);
    for d in block.children() {
        if served(d, Contexts::HTTP, &mut shared.problems) {
            match d.name() {
                "upstream" => upstreams.push(d),
                "log_format" => formats.push(d),
                "server" => servers.push(d),
                _ => rest.push(d),
            }
        }
    }
    for d in formats {
        log::log_format(d, shared);
    }
    for block in &upstreams {
        upstream(block, shared);
    }
    upstream_blocks_together(&upstreams, &mut shared.problems);
    for d in rest {
        if !heads.directive(d, &mut shared.problems) && !scope.directive(d, shared) {
            unread(d, &mut shared.problems);
        }
    }
    scope.inherit(&Scope::default(), shared);
    for block in &servers {
        server::read(block, &scope, &heads, shared);
    }
    server_name::conflicts(&servers, shared);
}

fn upstream(block: &Directive, shared: &mut Shared) {
    let Some(group) = upstream_block(block, &mut shared.problems) else {
        shared.broken_groups.push(block.arg(0).to_ascii_lowercase());
        return;
    };
    for server in block.children().iter().filter(|d| d.name() == "server") {
        if let Ok(address) = Address::parse(server.arg(0)) {
            if !pass::resolves(&address) {
                let message = format!("host not found in upstream \"{}\"", server.arg(0));
                shared.problems.push(server.place(0), message);
            }
        }
    }
    shared.groups.push(group);
    shared.blocks += 1;
}
