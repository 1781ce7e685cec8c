use std::ops::BitOr;

use super::grammar_table::ROWS;
use super::{Directive, Problems};

/// Where a directive stands or may stand; several at once with `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contexts(u8);

impl Contexts {
    /// Outside all blocks.
    pub const MAIN: Self = Self(1);
    /// Inside `events { }`
    pub const EVENTS: Self = Self(1 << 1);
    /// Inside `http { }`
    pub const HTTP: Self = Self(1 << 2);
    /// Inside `upstream { }`
    pub const UPSTREAM: Self = Self(1 << 3);
    /// Inside `server { }`
    pub const SERVER: Self = Self(1 << 4);
    /// Inside `location { }`
    pub const LOCATION: Self = Self(1 << 5);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Contexts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

/// What a client service makes of a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Reads it.
    Reads,
    /// It concerns the door clients of a server come through: without effect here.
    NoEffect,
    /// It would change what a caller gets: an error where it holds.
    Refuses,
}

/// What is known about a directive in one of its places.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: Contexts,
    /// Fewest and most arguments.
    pub args: (usize, usize),
    /// Whether it opens a block.
    pub block: bool,
    /// Whether a gateway of this crate serves it.
    pub gateway: bool,
    /// What a client service makes of it.
    pub client: Client,
}

/// The rule for a directive that stands in `here`; its shape is checked as NGINX checks it: name,
/// context, `;` or `{`, number of arguments.
pub fn rule(directive: &Directive, here: Contexts, problems: &mut Problems) -> Option<Rule> {
    let name = directive.name();
    let place = &directive.name.place;
    let mut named = ROWS.iter().filter(|rule| rule.name == name).peekable();
    if named.peek().is_none() {
        problems.push(place, format!("unknown directive \"{name}\""));
        return None;
    }
    let Some(rule) = named.find(|rule| rule.contexts.meets(here)) else {
        let message = format!("\"{name}\" directive is not allowed here");
        problems.push(place, message);
        return None;
    };
    let (fewest, most) = rule.args;
    if name == "include" && directive.block.is_none() && directive.args.len() == 1 {
        // Reading a file has put what it includes in its place before anybody asks.
        problems.push(place, "\"include\" is followed in files only");
        return None;
    }
    let message = match &directive.block {
        Some(_) if !rule.block => format!("directive \"{name}\" is not terminated by \";\""),
        None if rule.block => format!("directive \"{name}\" has no opening \"{{\""),
        _ if !(fewest..=most).contains(&directive.args.len()) => {
            format!("invalid number of arguments in \"{name}\" directive")
        }
        _ => return Some(*rule),
    };
    problems.push(place, message);
    None
}

/// [`rule`], and the directive must be one a gateway of this crate serves.
pub fn served(directive: &Directive, here: Contexts, problems: &mut Problems) -> bool {
    let Some(rule) = rule(directive, here, problems) else {
        return false;
    };
    if !rule.gateway {
        problems.push(&directive.name.place, unsupported(rule));
    }
    rule.gateway
}

/// What to say about a directive NGINX has and this crate has not.
pub(super) fn unsupported(rule: Rule) -> String {
    format!("directive \"{}\" is not supported", rule.name)
}
