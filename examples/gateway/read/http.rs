use tower_upstream::nginx::{
    Address, Contexts, Directive, Lookups, ResolverLevel, served, upstream_block,
    upstream_blocks_together,
};

use super::scope::Scope;
use super::server::{self, Heads};
use super::shared::{Shared, unread};
use super::ssl::Ssl;
use super::{limit, log, pass, server_name};
use crate::variables;

/// Reads `http { }`. Upstreams, zones and log formats first: servers refer to them wherever they stand.
pub(crate) fn read(block: &Directive, shared: &mut Shared) {
    let mut scope = Scope::default();
    let mut heads = Heads::default();
    let mut ssl = Ssl::default();
    let mut resolver = ResolverLevel::default();
    let (mut upstreams, mut formats, mut servers, mut rest) = (vec![], vec![], vec![], vec![]);
    let mut zones = Vec::new();
    for d in block.children() {
        if served(d, Contexts::HTTP, &mut shared.problems) {
            if matches!(d.name(), "upstream" | "limit_req_zone" | "limit_conn_zone") {
                zones.push(d);
            }
            match d.name() {
                "limit_req_zone" | "limit_conn_zone" => {}
                "upstream" => upstreams.push(d),
                "log_format" => formats.push(d),
                "server" => servers.push(d),
                "resolver" | "resolver_timeout" => {
                    resolver.directive(d, &mut shared.problems);
                    name_servers(d, shared);
                }
                _ => rest.push(d),
            }
        }
    }
    for d in zones {
        limit::zone(d, shared);
    }
    for d in formats {
        log::log_format(d, shared);
    }
    for block in &upstreams {
        upstream(block, &resolver, shared);
    }
    upstream_blocks_together(&upstreams, &mut shared.problems);
    for d in rest {
        let known = heads.directive(d, &mut shared.problems)
            || ssl.directive(d, shared)
            || scope.directive(d, shared);
        if !known {
            unread(d, &mut shared.problems);
        }
    }
    scope.inherit(&Scope::default(), shared);
    for block in &servers {
        server::read(block, &scope, &heads, &ssl, shared);
    }
    server_name::conflicts(&servers, shared);
}

fn upstream(block: &Directive, around: &ResolverLevel, shared: &mut Shared) {
    let Some(mut group) = upstream_block(block, around, &mut shared.problems) else {
        shared.broken_groups.push(block.arg(0).to_ascii_lowercase());
        return;
    };
    let lines = block.children().iter().filter(|d| d.name() == "server");
    for (line, server) in lines.zip(&group.servers) {
        if !server.follows_dns() {
            known_host(line, 0, "upstream", shared);
        }
    }
    for d in block.children().iter().filter(|d| d.name() == "resolver") {
        name_servers(d, shared);
    }
    let lookups = Lookups::read(block, &mut group, variables::known, &mut shared.problems);
    shared.lookups.push(lookups);
    shared.groups.push(group);
    shared.blocks += 1;
}

/// Looks up the name servers of a `resolver`.
fn name_servers(d: &Directive, shared: &mut Shared) {
    let named = (0..d.args.len()).filter(|index| {
        let option = d.arg(*index).split_once('=');
        d.name() == "resolver"
            && !option.is_some_and(|(o, _)| matches!(o, "valid" | "ipv4" | "ipv6"))
    });
    for index in named {
        known_host(d, index, "resolver", shared);
    }
}

fn known_host(d: &Directive, index: usize, role: &str, shared: &mut Shared) {
    let host = d.arg(index);
    if Address::parse(host).is_ok_and(|address| !pass::resolves(&address)) {
        let message = format!("host not found in {role} \"{host}\"");
        shared.problems.push(d.place(index), message);
    }
}
