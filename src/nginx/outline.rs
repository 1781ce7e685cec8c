use super::grammar::{Contexts, Rule, rule};
use super::level::Level;
use super::location::Modifier;
use super::values::duplicate;
use super::{Directive, Place, Problems, ResolverLevel};

/// A whole configuration, sorted into levels.
#[derive(Default)]
pub(super) struct Outline<'a> {
    /// `upstream` blocks in order.
    pub(super) upstreams: Vec<&'a Directive>,
    /// Whom upstreams ask that name nobody themselves.
    pub(super) resolver: ResolverLevel,
    http: Level<'a>,
    servers: Vec<Level<'a>>,
}

/// A location and the levels around it, outermost first.
pub(super) type Chain<'l, 'a> = Vec<&'l Level<'a>>;

impl<'a> Outline<'a> {
    /// Reads `http { }`, or without one the file as if it stood inside.
    pub(super) fn read(tree: &'a [Directive], problems: &mut Problems) -> Self {
        let has_http = tree.iter().any(|d| d.name() == "http");
        let root = match has_http {
            true => Contexts::MAIN,
            false => Contexts::MAIN | Contexts::HTTP,
        };
        let mut outline = Self::default();
        let mut blocks = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for directive in tree {
            let Some(found) = rule(directive, root, problems) else {
                continue;
            };
            let context = match directive.name() {
                name @ ("http" | "events") if seen.contains(&name) => {
                    problems.push(&directive.name.place, duplicate(directive));
                    continue;
                }
                "http" => Contexts::HTTP,
                "events" => Contexts::EVENTS,
                _ => {
                    outline.directive(directive, found, &mut blocks, problems);
                    continue;
                }
            };
            seen.push(directive.name());
            for inner in directive.children() {
                if let Some(found) = rule(inner, context, problems) {
                    outline.directive(inner, found, &mut blocks, problems);
                }
            }
        }
        outline.http.inherit(&Level::default(), problems);
        for block in blocks {
            if block.name() == "upstream" {
                outline.upstreams.push(block);
            } else {
                let server = Level::read(block, Contexts::SERVER, &outline.http, problems);
                outline.servers.push(server);
            }
        }
        outline
    }

    fn directive(
        &mut self,
        d: &'a Directive,
        rule: Rule,
        blocks: &mut Vec<&'a Directive>,
        problems: &mut Problems,
    ) {
        if !self.resolver.directive(d, problems) {
            self.http.directive(d, rule, blocks, problems);
        }
    }

    /// The location for `wanted`: a path, `@name`, or either with a server's name in front.
    pub(super) fn find(
        &self,
        wanted: &str,
        whole: &Place,
        problems: &mut Problems,
    ) -> Option<Chain<'_, 'a>> {
        let (host, path) = wanted.split_at(wanted.find(['/', '@']).unwrap_or(wanted.len()));
        let named = |server: &&Level<'_>| {
            host.is_empty() || server.names.iter().any(|n| n.eq_ignore_ascii_case(host))
        };
        let mut found: Vec<Chain<'_, 'a>> = Vec::new();
        for server in self.servers.iter().filter(named) {
            let mut chain = vec![&self.http, server];
            match choose(&server.locations, path, &mut chain) {
                Ok(()) if chain.len() > 2 => found.push(chain),
                Ok(()) => {}
                Err(regex) => {
                    let place = regex.directive.map_or(whole, |d| d.place(0));
                    let message = format!(
                        "a regular expression may take \"{path}\": not supported for a client"
                    );
                    problems.push(place, message);
                    return None;
                }
            }
        }
        match found.len() {
            0 => problems.push(whole, format!("no location for \"{wanted}\"")),
            1 => return found.pop(),
            _ => problems.push(
                whole,
                format!("several servers have a location for \"{wanted}\": put a name in front"),
            ),
        }
        None
    }
}

/// Adds NGINX's choice among `locations`, and among those inside it, to `chain`. An error is an
/// expression that would have to be asked.
fn choose<'l, 'a>(
    locations: &'l [Level<'a>],
    path: &str,
    chain: &mut Chain<'l, 'a>,
) -> Result<(), &'l Level<'a>> {
    let matching = |kind: fn(Modifier) -> bool| {
        locations.iter().filter_map(move |l| {
            l.matcher
                .filter(|(m, _)| kind(*m))
                .map(|(_, text)| (l, text))
        })
    };
    let whole = |m| matches!(m, Modifier::Exact | Modifier::Named);
    if let Some((exact, _)) = matching(whole).find(|(_, text)| *text == path) {
        chain.push(exact);
        return Ok(());
    }
    if path.starts_with('@') {
        return Ok(());
    }
    let prefix = |m| matches!(m, Modifier::Prefix | Modifier::PrefixOnly);
    let best = matching(prefix)
        .filter(|(_, text)| path.starts_with(text))
        .max_by_key(|(_, text)| text.len());
    let last_word =
        best.is_some_and(|(l, _)| l.matcher.is_some_and(|(m, _)| m == Modifier::PrefixOnly));
    if let (Some((regex, _)), false) = (matching(Modifier::is_regex).next(), last_word) {
        return Err(regex);
    }
    match best {
        Some((best, _)) => {
            chain.push(best);
            choose(&best.locations, path, chain)
        }
        None => Ok(()),
    }
}
