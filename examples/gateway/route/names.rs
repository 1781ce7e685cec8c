//! Which of the servers behind one address a host name belongs to.

use std::collections::HashMap;

use regex::Regex;

use crate::config::{Config, Listen, ServerName};

/// The names of all servers behind one listening address.
#[derive(Debug)]
pub struct Names {
    default: usize,
    exact: HashMap<String, usize>,
    /// By the part after the star, with its dot; looked up longest first.
    leading: HashMap<String, usize>,
    /// By the part before the star, with its dot; looked up longest first.
    trailing: HashMap<String, usize>,
    regexes: Vec<(Regex, usize)>,
}

impl Names {
    /// Of two servers that claim one name, the first has it.
    pub fn new(listen: &Listen, config: &Config) -> Self {
        let mut names = Self {
            default: listen.default_server,
            exact: HashMap::new(),
            leading: HashMap::new(),
            trailing: HashMap::new(),
            regexes: Vec::new(),
        };
        for &server in &listen.servers {
            for name in &config.servers[server].names {
                names.add(name, server);
            }
        }
        names
    }

    fn add(&mut self, name: &ServerName, server: usize) {
        match name {
            ServerName::Exact(name) => {
                self.exact.entry(name.clone()).or_insert(server);
            }
            ServerName::Dot(name) => {
                self.exact.entry(name.clone()).or_insert(server);
                self.leading.entry(format!(".{name}")).or_insert(server);
            }
            ServerName::Leading(rest) => {
                self.leading.entry(rest.clone()).or_insert(server);
            }
            ServerName::Trailing(rest) => {
                self.trailing.entry(rest.clone()).or_insert(server);
            }
            ServerName::Regex(regex, _) => self.regexes.push((regex.clone(), server)),
        }
    }

    /// The server for requests that name no host.
    pub fn default(&self) -> usize {
        self.default
    }

    /// The server a host belongs to: exact names first, then the longest wildcard with its star in
    /// front, the longest with its star behind, the first expression, the default.
    pub fn find(&self, host: &str) -> usize {
        self.find_named(host).unwrap_or(self.default)
    }

    /// The same, unless it is nobody's.
    pub fn find_named(&self, host: &str) -> Option<usize> {
        if let Some(&server) = self.exact.get(host) {
            return Some(server);
        }
        let dots = || host.char_indices().filter(|(_, c)| *c == '.');
        if !self.leading.is_empty() {
            let found = dots().find_map(|(at, _)| self.leading.get(&host[at..]).filter(|_| at > 0));
            if let Some(&server) = found {
                return Some(server);
            }
        }
        if !self.trailing.is_empty() {
            let ends: Vec<usize> = dots().map(|(at, _)| at + 1).collect();
            let found = ends.iter().rev().find_map(|&end| {
                let rest = self.trailing.get(&host[..end]);
                rest.filter(|_| end < host.len())
            });
            if let Some(&server) = found {
                return Some(server);
            }
        }
        self.regexes
            .iter()
            .find(|(regex, _)| regex.is_match(host))
            .map(|(_, server)| *server)
    }
}

/// A host in a `Host` header or request target cannot be one.
#[derive(Debug, PartialEq, Eq)]
pub struct BadHost;

/// The name in `host[:port]`, without a last dot; lower case is the caller's wish.
pub fn host_name(host: &str) -> Result<&str, BadHost> {
    let end = if host.starts_with('[') {
        host.find(']').map(|at| at + 1).ok_or(BadHost)?
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let bad = |b: u8| b <= b' ' || b == 0x7f || b == b'/' || b == b'\\';
    if host.bytes().any(bad) || host[..end].contains("..") {
        return Err(BadHost);
    }
    let name = &host[..end];
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err(BadHost);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[(ServerName, usize)]) -> Names {
        let mut names = Names {
            default: 99,
            exact: HashMap::new(),
            leading: HashMap::new(),
            trailing: HashMap::new(),
            regexes: Vec::new(),
        };
        for (name, server) in list {
            names.add(name, *server);
        }
        names
    }

    #[test]
    fn the_most_exact_name_wins() {
        let names = names(&[
            (ServerName::Regex(Regex::new("^a").unwrap(), "^a".into()), 6),
            (ServerName::Trailing("www.example.".into()), 5),
            (ServerName::Leading(".example.no".into()), 4),
            (ServerName::Leading(".b.example.no".into()), 3),
            (ServerName::Exact("a.b.example.no".into()), 2),
            (ServerName::Dot("dot.no".into()), 1),
        ]);
        for (host, server) in [
            ("a.b.example.no", 2),
            ("x.b.example.no", 3),
            ("b.example.no", 4),
            ("example.no", 99),
            (".example.no", 99),
            ("dot.no", 1),
            ("www.dot.no", 1),
            ("www.example.com", 5),
            ("www.example.co.uk", 5),
            ("www.example.", 99),
            ("abc", 6),
            ("", 99),
        ] {
            assert_eq!(names.find(host), server, "{host}");
        }
    }

    #[test]
    fn the_first_to_claim_a_name_has_it() {
        let names = names(&[
            (ServerName::Exact("a".into()), 1),
            (ServerName::Exact("a".into()), 2),
        ]);
        assert_eq!(names.find("a"), 1);
    }

    #[test]
    fn ports_and_last_dots_are_no_part_of_the_name() {
        for (host, want) in [
            ("example.no:8080", Ok("example.no")),
            ("example.no.", Ok("example.no")),
            ("[::1]:80", Ok("[::1]")),
            ("", Err(BadHost)),
            ("a b", Err(BadHost)),
            ("a/b", Err(BadHost)),
            ("a..b", Err(BadHost)),
            ("[::1", Err(BadHost)),
            (":80", Err(BadHost)),
        ] {
            assert_eq!(host_name(host), want, "{host}");
        }
    }
}
