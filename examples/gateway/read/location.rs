use tower_upstream::nginx::{
    Contexts, Directive, Modifier, Problems, location_match, locations_together, pass_directive,
    served,
};

use super::scope::Scope;
use super::shared::{Shared, unread};
use super::{answer, pass, regex};
use crate::config::{Action, Location, Matcher};

/// Reads a `location { }` with those inside it. The parser bounds how deep that goes.
pub(crate) fn read(block: &Directive, outer: &Scope, shared: &mut Shared) -> Location {
    let (modifier, text) = location_match(block).unwrap_or_else(|message| {
        shared.problems.push(block.place(0), message);
        (Modifier::Prefix, "/")
    });
    let mut scope = Scope::default();
    let mut passes: Vec<&Directive> = Vec::new();
    let mut returns = None;
    let mut inner = Vec::new();
    for d in block.children() {
        if !served(d, Contexts::LOCATION, &mut shared.problems) {
            continue;
        }
        match d.name() {
            "proxy_pass" | "grpc_pass" => {
                pass_directive(&mut passes, d, &mut shared.problems);
                scope.forward.passed(d);
            }
            "return" => answer::returns(&mut returns, d, &mut shared.problems),
            "location" => inner.push(d),
            _ => {
                if !scope.directive(d, shared) {
                    unread(d, &mut shared.problems);
                }
            }
        }
    }
    scope.inherit(outer, shared);
    locations_together(Some(block), &inner, &mut shared.problems);
    let inner = inner.into_iter().map(|d| read(d, &scope, shared)).collect();
    // What one that does not hold says has to make sense, too.
    let read: Vec<_> = passes
        .into_iter()
        .map(|d| pass::read(d, (modifier, text), &scope, shared))
        .collect();
    let pass = read.into_iter().last().flatten();
    let action = pass.map_or(Action::None, |pass| Action::Proxy(Box::new(pass)));
    let matcher = matcher(block, modifier, text, &mut shared.problems);
    scope.level(matcher, action, returns, inner, shared)
}

fn matcher(block: &Directive, modifier: Modifier, text: &str, problems: &mut Problems) -> Matcher {
    match modifier {
        Modifier::Prefix => Matcher::Prefix(text.into()),
        Modifier::PrefixOnly => Matcher::PrefixOnly(text.into()),
        Modifier::Exact => Matcher::Exact(text.into()),
        Modifier::Named => Matcher::Named(text.into()),
        Modifier::Regex | Modifier::RegexIgnoreCase => {
            let ignore_case = modifier == Modifier::RegexIgnoreCase;
            let place = block.args.last().map_or(&block.name.place, |w| &w.place);
            match regex::compile(text, ignore_case, place, problems) {
                Some(regex) => Matcher::Regex(regex),
                // The problem is noted, so this is never asked.
                None => Matcher::Exact(text.into()),
            }
        }
    }
}
