use std::net::{Ipv4Addr, Ipv6Addr};

/// Host and port as NGINX takes an address apart; the host of `unix:/path` is all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name, an IPv4 address, an IPv6 address in brackets, or `unix:/path`.
    pub host: String,
    /// As written.
    pub port: Option<u16>,
    /// From the first `/` or `?` on, where one is allowed.
    pub uri: String,
}

/// Longest path of a socket.
const MAX_PATH: usize = 107;

impl Address {
    /// `host`, `host:port`, `[v6]:port` or `unix:/path`, without URI. The error is what NGINX puts
    /// before `in upstream "..."`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with("unix:") && text.contains(['/', '?']) {
            return Err("invalid host");
        }
        Self::with_uri(text)
    }

    /// The same with a URI behind it: `host:port/uri` or `unix:/path:/uri`.
    pub fn with_uri(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        let (authority, uri) = text.split_at(text.find(['/', '?']).unwrap_or(text.len()));
        let (host, port) = match authority.starts_with('[') {
            true => ipv6(authority)?,
            false => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = port.map(parse_port).transpose()?;
        if host.is_empty() || host == "[]" {
            return Err("no host");
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            uri: uri.to_owned(),
        })
    }

    /// Whether it is `unix:/path`.
    pub fn is_unix(&self) -> bool {
        self.host.starts_with("unix:")
    }

    /// Whether somebody has to be asked where it is.
    pub fn is_name(&self) -> bool {
        !self.is_unix() && !self.host.starts_with('[') && self.host.parse::<Ipv4Addr>().is_err()
    }

    /// What to connect to.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

fn unix(path: &str) -> Result<Address, &'static str> {
    let (path, uri) = path.split_once(':').unwrap_or((path, ""));
    if path.is_empty() {
        return Err("no path in the unix domain socket");
    }
    if path.len() > MAX_PATH {
        return Err("too long path in the unix domain socket");
    }
    Ok(Address {
        host: format!("unix:{path}"),
        port: None,
        uri: uri.to_owned(),
    })
}

fn ipv6(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let end = authority.find(']').ok_or("invalid host")?;
    let (host, rest) = authority.split_at(end + 1);
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => return Err("invalid host"),
        port => port,
    };
    let inside = &host[1..end];
    if !inside.is_empty() && inside.parse::<Ipv6Addr>().is_err() {
        // NGINX looks at the port first.
        port.map(parse_port).transpose()?;
        return Err("invalid IPv6 address");
    }
    Ok((host, port))
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse().ok().filter(|port| *port != 0),
        false => None,
    }
    .ok_or("invalid port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, parsed) in [
            ("127.0.0.1", Ok(("127.0.0.1", None))),
            ("a:80", Ok(("a", Some(80)))),
            ("[::1]", Ok(("[::1]", None))),
            ("[::1]:8080", Ok(("[::1]", Some(8080)))),
            ("unix:/tmp/x", Ok(("unix:/tmp/x", None))),
            ("127.0.0.1#a", Ok(("127.0.0.1#a", None))),
            ("", Err("no host")),
            (":80", Err("no host")),
            ("[]", Err("no host")),
            ("a:", Err("invalid port")),
            ("a:0", Err("invalid port")),
            ("a:65536", Err("invalid port")),
            ("a:+1", Err("invalid port")),
            ("a:80:90", Err("invalid port")),
            ("[::1]:", Err("invalid port")),
            ("[::1", Err("invalid host")),
            ("[::1]x", Err("invalid host")),
            ("a/x", Err("invalid host")),
            ("a?x", Err("invalid host")),
            ("http://a", Err("invalid host")),
            ("[::g]", Err("invalid IPv6 address")),
            ("unix:", Err("no path in the unix domain socket")),
        ] {
            let found = Address::parse(text).map(|a| (a.host, a.port));
            let parsed = parsed.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(found, parsed, "{text:?}");
        }
    }
}
