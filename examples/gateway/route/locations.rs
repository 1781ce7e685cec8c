//! Which location of a server a path belongs to.

use std::collections::HashMap;

use regex::Regex;

use crate::config::Matcher;

/// The locations of one level.
#[derive(Debug, Default)]
pub struct Locations {
    exact: HashMap<Vec<u8>, usize>,
    /// Longest first, so the first that fits is the longest that does.
    prefixes: Vec<Prefix>,
    regexes: Vec<(Regex, usize)>,
    /// Paths that want a slash at their end, because a location with one is there.
    slashless: HashMap<Vec<u8>, usize>,
}

#[derive(Debug)]
struct Prefix {
    text: Vec<u8>,
    /// `^~`
    only: bool,
    place: usize,
}

/// What a level says about a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// This place takes it.
    Place(usize),
    /// It lacks the slash at the end of the prefix of this place.
    AddSlash(usize),
    /// Nobody here wants it.
    None,
}

/// How deep the search got, which decides whether expressions further out are asked.
enum Found {
    Final(usize),
    Prefix(usize),
    AddSlash(usize),
    None,
}

impl Locations {
    /// Adds a location; `proxied` ones whose name ends in a slash answer for the path without it.
    pub fn add(&mut self, matcher: &Matcher, proxied: bool, place: usize) {
        match matcher {
            Matcher::Exact(text) => {
                self.exact.insert(text.clone().into_bytes(), place);
                self.add_slashless(text, proxied, place);
            }
            Matcher::Prefix(text) | Matcher::PrefixOnly(text) => {
                self.prefixes.push(Prefix {
                    text: text.clone().into_bytes(),
                    only: matches!(matcher, Matcher::PrefixOnly(_)),
                    place,
                });
                self.prefixes
                    .sort_by_key(|p| std::cmp::Reverse(p.text.len()));
                self.add_slashless(text, proxied, place);
            }
            Matcher::Regex(regex) => self.regexes.push((regex.clone(), place)),
            Matcher::Named(_) | Matcher::Level => {}
        }
    }

    fn add_slashless(&mut self, text: &str, proxied: bool, place: usize) {
        if let Some(bare) = text.strip_suffix('/').filter(|b| proxied && !b.is_empty()) {
            self.slashless.entry(bare.into()).or_insert(place);
        }
    }

    /// The place for `path`: an exact name, else the longest prefix unless an expression fits;
    /// locations inside the one found are asked in the same way, `inner` knows them.
    pub fn choose<'a>(&'a self, path: &[u8], inner: &dyn Fn(usize) -> &'a Locations) -> Choice {
        match self.search(path, inner) {
            Found::Final(place) | Found::Prefix(place) => Choice::Place(place),
            Found::AddSlash(place) => Choice::AddSlash(place),
            Found::None => Choice::None,
        }
    }

    fn search<'a>(&'a self, path: &[u8], inner: &dyn Fn(usize) -> &'a Locations) -> Found {
        if let Some(&place) = self.exact.get(path) {
            return Found::Final(place);
        }
        let prefix = self.prefixes.iter().find(|p| path.starts_with(&p.text));
        let whole = prefix.is_some_and(|p| p.text.len() == path.len());
        if !whole {
            if let Some(&place) = self.slashless.get(path) {
                return Found::AddSlash(place);
            }
        }
        let mut found = Found::None;
        if let Some(prefix) = prefix {
            found = match inner(prefix.place).search(path, inner) {
                Found::None => Found::Prefix(prefix.place),
                Found::Prefix(place) => Found::Prefix(place),
                decided => return decided,
            };
            if prefix.only {
                return found;
            }
        }
        if self.regexes.is_empty() {
            return found;
        }
        let text = String::from_utf8_lossy(path);
        match self.regexes.iter().find(|(regex, _)| regex.is_match(&text)) {
            Some(&(_, place)) => match inner(place).search(path, inner) {
                Found::None => Found::Final(place),
                Found::Prefix(place) => Found::Final(place),
                decided => decided,
            },
            None => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(list: &[(Matcher, usize)]) -> Locations {
        let mut level = Locations::default();
        for (matcher, place) in list {
            level.add(matcher, true, *place);
        }
        level
    }

    fn prefix(text: &str) -> Matcher {
        Matcher::Prefix(text.into())
    }

    fn regex(text: &str) -> Matcher {
        Matcher::Regex(Regex::new(text).unwrap())
    }

    #[test]
    fn exact_then_expression_then_longest_prefix() {
        let none = Locations::default();
        let level = level(&[
            (prefix("/"), 0),
            (prefix("/a"), 1),
            (prefix("/a/b"), 2),
            (Matcher::PrefixOnly("/static".into()), 3),
            (Matcher::Exact("/a/b/c".into()), 4),
            (regex("(?i)\\.PHP$"), 5),
            (regex("\\.php"), 6),
        ]);
        for (path, place) in [
            ("/", 0),
            ("/x", 0),
            ("/ab", 1),
            ("/a/b/d", 2),
            ("/a/b/c", 4),
            ("/a/b/x.php", 5),
            ("/a/b/x.phpx", 6),
            ("/static/x.php", 3),
        ] {
            let choice = level.choose(path.as_bytes(), &|_| &none);
            assert_eq!(choice, Choice::Place(place), "{path}");
        }
    }

    #[test]
    fn nested_locations_come_before_outer_expressions_only_if_exact_or_expressions() {
        let none = Locations::default();
        let nested = level(&[(prefix("/a/in"), 10), (regex("\\.jpg$"), 11)]);
        let outer = level(&[(prefix("/a"), 1), (regex("g$"), 2)]);
        let inner = |place| if place == 1 { &nested } else { &none };
        for (path, place) in [
            ("/a/x", 1),
            ("/a/in", 10),
            ("/a/x.jpg", 11),
            ("/a/in/log", 2),
        ] {
            let choice = outer.choose(path.as_bytes(), &inner);
            assert_eq!(choice, Choice::Place(place), "{path}");
        }
    }

    #[test]
    fn a_missing_last_slash_is_noticed() {
        let none = Locations::default();
        let level = level(&[(prefix("/"), 0), (prefix("/d/"), 1), (regex("."), 2)]);
        assert_eq!(level.choose(b"/d", &|_| &none), Choice::AddSlash(1));
        assert_eq!(level.choose(b"/d/", &|_| &none), Choice::Place(2));
    }

    #[test]
    fn nothing_fits_nothing() {
        let none = Locations::default();
        let level = level(&[(prefix("/a"), 0)]);
        assert_eq!(level.choose(b"/b", &|_| &none), Choice::None);
    }
}
