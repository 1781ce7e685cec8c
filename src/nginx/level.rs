use super::client_variables::known;
use super::grammar::{self, Client, Contexts, Rule, rule};
use super::location::{Modifier, location_match, locations_together};
use super::{Directive, Problems, ProxyLevel, SslLevel};
use super::{grpc_directive, pass_directive, proxy_directive};

/// How the names of [`SslLevel`]'s directives begin.
pub(super) const PROXY_SSL: &str = "proxy_ssl_";
/// The same for `grpc_pass`.
pub(super) const GRPC_SSL: &str = "grpc_ssl_";

/// What a configuration says at one level, as far as a client is concerned.
#[derive(Default)]
pub(super) struct Level<'a> {
    /// The block itself; none for `http` and bare files.
    pub(super) directive: Option<&'a Directive>,
    /// What a location looks for.
    pub(super) matcher: Option<(Modifier, &'a str)>,
    /// The values that hold here, those of the levels around it among them.
    pub(super) proxy: ProxyLevel,
    /// Likewise `proxy_ssl_*`.
    pub(super) ssl: SslLevel,
    /// The same for `grpc_pass`.
    pub(super) grpc: ProxyLevel,
    /// `grpc_ssl_*`
    pub(super) grpc_ssl: SslLevel,
    /// Its own `proxy_set_header`s and `grpc_set_header`s in order.
    pub(super) set_headers: Vec<&'a Directive>,
    /// `proxy_pass` and `grpc_pass`; the last one holds.
    pub(super) passes: Vec<&'a Directive>,
    /// `server_name`s, one word each.
    pub(super) names: Vec<&'a str>,
    /// Locations in it.
    pub(super) locations: Vec<Level<'a>>,
    /// What would change a client's requests and is not ours.
    refused: Vec<(&'a Directive, Rule)>,
}

impl<'a> Level<'a> {
    /// Reads a `server` or `location`.
    pub(super) fn read(
        block: &'a Directive,
        context: Contexts,
        outer: &Level<'_>,
        problems: &mut Problems,
    ) -> Self {
        let mut level = Self {
            directive: Some(block),
            ..Self::default()
        };
        let mut locations = Vec::new();
        for directive in block.children() {
            if let Some(rule) = rule(directive, context, problems) {
                level.directive(directive, rule, &mut locations, problems);
            }
        }
        level.inherit(outer, problems);
        let around = (context == Contexts::LOCATION).then_some(block);
        locations_together(around, &locations, problems);
        for location in locations {
            let mut inner = Self::read(location, Contexts::LOCATION, &level, problems);
            match location_match(location) {
                Ok(matcher) => inner.matcher = Some(matcher),
                Err(message) => problems.push(location.place(0), message),
            }
            level.locations.push(inner);
        }
        level
    }

    /// Takes in one directive of this level; blocks are put aside until its own values are known.
    pub(super) fn directive(
        &mut self,
        d: &'a Directive,
        rule: Rule,
        blocks: &mut Vec<&'a Directive>,
        problems: &mut Problems,
    ) {
        match d.name() {
            "server" | "upstream" | "location" => blocks.push(d),
            "proxy_set_header" | "grpc_set_header" => self.set_headers.push(d),
            "proxy_pass" | "grpc_pass" => pass_directive(&mut self.passes, d, problems),
            "server_name" => self
                .names
                .extend(d.args.iter().map(|word| word.text.as_str())),
            _ if proxy_directive(&mut self.proxy, d, problems) => {}
            _ if grpc_directive(&mut self.grpc, d, problems) => {}
            _ if self.ssl.directive(PROXY_SSL, d, known, problems) => {}
            _ if self.grpc_ssl.directive(GRPC_SSL, d, known, problems) => {}
            _ if rule.client == Client::NoEffect => {}
            _ => self.refused.push((d, rule)),
        }
    }

    /// Takes from the level around it what this one leaves open.
    pub(super) fn inherit(&mut self, outer: &Level<'_>, problems: &mut Problems) {
        self.proxy.inherit(&outer.proxy, problems);
        self.grpc.inherit(&outer.grpc, problems);
        self.ssl.inherit(&outer.ssl);
        self.grpc_ssl.inherit(&outer.grpc_ssl);
    }

    /// Reports what holds here and is not ours; nothing that begins with `other` does.
    pub(super) fn refuse(&self, other: &str, problems: &mut Problems) {
        let refused = self.refused.iter();
        for (directive, rule) in refused.filter(|(d, _)| !d.name().starts_with(other)) {
            let message = match rule.gateway {
                true => format!("\"{}\" is not supported for a client", rule.name),
                false => grammar::unsupported(*rule),
            };
            problems.push(&directive.name.place, message);
        }
    }
}
