use std::time::Duration;

use crate::nginx::values::{self, fill};
use crate::nginx::{Address, Directive, Problems, units};
use crate::upstream::config::ResolverConfig;

/// `resolver` and `resolver_timeout` of one level.
#[derive(Clone, Debug, Default)]
pub struct ResolverLevel {
    resolver: Option<ResolverConfig>,
    timeout: Option<Duration>,
}

impl ResolverLevel {
    /// Reads one of the two; false if the directive is another one.
    pub fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "resolver" if self.resolver.is_some() => {
                problems.push(&d.name.place, values::duplicate(d));
            }
            "resolver" => self.resolver = Some(resolver(d, problems)),
            "resolver_timeout" => fill(&mut self.timeout, d, problems, values::time_ms),
            _ => return false,
        }
        true
    }

    /// What holds inside `outer`; `None` if nobody is named to ask.
    pub(super) fn under(self, outer: &Self) -> Option<ResolverConfig> {
        let resolver = self.resolver.or_else(|| outer.resolver.clone())?;
        let timeout = self.timeout.or(outer.timeout);
        Some(ResolverConfig {
            timeout: timeout.unwrap_or(resolver.timeout),
            ..resolver
        })
    }
}

/// `resolver ADDRESS ... [valid=TIME] [ipv4=on|off] [ipv6=on|off]`
fn resolver(d: &Directive, problems: &mut Problems) -> ResolverConfig {
    let mut resolver = ResolverConfig::default();
    let mut named = false;
    for (index, word) in d.args.iter().enumerate() {
        let text = word.text.as_str();
        let read = match text.split_once('=') {
            Some(("valid", value)) => units::time_s(value).map(|t| resolver.valid = Some(t)),
            Some(("ipv4", value)) => switch(value).map(|on| resolver.ipv4 = on),
            Some(("ipv6", value)) => switch(value).map(|on| resolver.ipv6 = on),
            _ => {
                named = true;
                match Address::parse(text) {
                    Ok(address) if !address.is_unix() => resolver.servers.push(text.to_owned()),
                    bad => {
                        let what = bad.err().unwrap_or("invalid host");
                        problems.push(d.place(index), format!("{what} in resolver \"{text}\""));
                    }
                }
                continue;
            }
        };
        if read.is_none() {
            problems.push(d.place(index), format!("invalid parameter: {text}"));
        }
    }
    if !named {
        problems.push(&d.name.place, "no name servers defined");
    }
    if !resolver.ipv4 && !resolver.ipv6 {
        let message = "\"ipv4\" and \"ipv6\" cannot both be \"off\"";
        problems.push(&d.name.place, message);
    }
    resolver
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}
