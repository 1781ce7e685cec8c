use super::{Directive, Problems, Template};
use crate::balance::Method;
use crate::upstream::config::{GroupConfig, HashKey, Sticky};

/// What a group asks of a request to know where it belongs: the key of `hash`, the variables of
/// `sticky route`, the client of `ip_hash`. Nothing for the other methods.
///
/// ```
/// use tower_upstream::nginx::{Lookups, Problems, ResolverLevel, parse, upstream_block};
///
/// let text = "upstream u { hash $arg_user consistent; server 127.0.0.1; }";
/// let mut problems = Problems::new();
/// let block = parse(text, "nginx.conf", &mut problems).remove(0);
/// let mut group = upstream_block(&block, &ResolverLevel::default(), &mut problems).unwrap();
/// let known = |name: &str| name.starts_with("arg_");
/// let lookups = Lookups::read(&block, &mut group, known, &mut problems);
/// assert_eq!(lookups.key.unwrap().variables().collect::<Vec<_>>(), ["arg_user"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// What [`Affinity::key`](crate::balance::Affinity::key) is made of.
    pub key: Option<Template>,
    /// The first of these that is not empty is [`Affinity::route`](crate::balance::Affinity::route).
    pub routes: Vec<Template>,
    /// Whether [`Affinity::client`](crate::balance::Affinity::client) matters.
    pub client: bool,
}

impl Lookups {
    /// Looks at the variables of an `upstream` block that has been read as `group`; `known` says
    /// which there are. Those of directives that were redefined later are checked, too. The words of
    /// `sticky route` are taken out of the group: they may mean more here than it knows.
    pub fn read(
        block: &Directive,
        group: &mut GroupConfig,
        known: impl Fn(&str) -> bool,
        problems: &mut Problems,
    ) -> Self {
        let mut lookups = Self {
            client: group.method == Method::IpHash,
            ..Self::default()
        };
        for d in block.children() {
            let checked = match (d.name(), d.arg(0)) {
                ("hash", _) => 0..1,
                ("sticky", "route") => 1..d.args.len(),
                _ => continue,
            };
            let mut templates = Vec::new();
            for index in checked {
                match Template::parse(d.arg(index), &known) {
                    Ok(template) => templates.push(template),
                    Err(message) => problems.push(d.place(index), message),
                }
            }
            match d.name() {
                "hash" => lookups.key = templates.pop(),
                _ => lookups.routes = templates,
            }
        }
        if !matches!(group.hash_key, HashKey::Variables(_)) {
            lookups.key = None;
        }
        match &mut group.sticky {
            Some(Sticky::Route(words)) => words.clear(),
            _ => lookups.routes.clear(),
        }
        lookups
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.key.is_none() && self.routes.is_empty() && !self.client
    }

    /// All that is evaluated.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.key.iter().chain(&self.routes)
    }
}
