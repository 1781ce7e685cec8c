use super::grammar::{self, Client, Contexts, Rule, rule};
use super::location::{Modifier, location_match, locations_together};
use super::values::duplicate;
use super::{Directive, Problems, ProxyLevel, proxy_directive};

/// What a configuration says at one level, as far as a client is concerned.
#[derive(Default)]
pub(super) struct Level<'a> {
    /// The block itself; none for `http` and bare files.
    pub(super) directive: Option<&'a Directive>,
    /// What a location looks for.
    pub(super) matcher: Option<(Modifier, &'a str)>,
    /// The values that hold here, those of the levels around it among them.
    pub(super) proxy: ProxyLevel,
    /// Its own `proxy_set_header`s in order.
    pub(super) set_headers: Vec<&'a Directive>,
    /// `proxy_pass`
    pub(super) pass: Option<&'a Directive>,
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
        outer: &ProxyLevel,
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
        level.proxy.inherit(outer, problems);
        let around = (context == Contexts::LOCATION).then_some(block);
        locations_together(around, &locations, problems);
        for location in locations {
            let mut inner = Self::read(location, Contexts::LOCATION, &level.proxy, problems);
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
            "proxy_set_header" => self.set_headers.push(d),
            "proxy_pass" if self.pass.is_some() => problems.push(&d.name.place, duplicate(d)),
            "proxy_pass" => self.pass = Some(d),
            "server_name" => self
                .names
                .extend(d.args.iter().map(|word| word.text.as_str())),
            _ if proxy_directive(&mut self.proxy, d, problems) => {}
            _ if rule.client == Client::NoEffect => {}
            _ => self.refused.push((d, rule)),
        }
    }

    /// Reports what holds here and is not ours.
    pub(super) fn refuse(&self, problems: &mut Problems) {
        for (directive, rule) in &self.refused {
            let message = match rule.gateway {
                true => format!("\"{}\" is not supported for a client", rule.name),
                false => grammar::unsupported(*rule),
            };
            problems.push(&directive.name.place, message);
        }
    }
}
