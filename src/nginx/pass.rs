use super::values::duplicate;
use super::{Address, Directive, Problems};
use crate::upstream::config::{GroupConfig, Server};

/// What is spoken to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
    /// `grpc://`
    Grpc,
    /// `grpcs://`
    Grpcs,
}

impl Scheme {
    /// As it is written, with `://`.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
            Self::Grpc => "grpc://",
            Self::Grpcs => "grpcs://",
        }
    }

    /// Whether it is spoken over TLS.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Grpcs)
    }

    /// Whether `grpc_pass` speaks it.
    pub fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::Grpcs)
    }

    /// The port of a destination that names none, where it need not.
    pub fn default_port(self) -> u16 {
        match self.is_secure() {
            true => 443,
            false => 80,
        }
    }
}

/// The destination of a `proxy_pass` or `grpc_pass` without variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassUrl {
    /// What is spoken there.
    pub scheme: Scheme,
    /// Where to.
    pub address: Address,
    /// The default `Host`, and `$proxy_host` of a `proxy_pass`, without the scheme's own port.
    /// `localhost` for `unix:`.
    pub host: String,
    /// `$proxy_port`: as written, else the scheme's; empty for `unix:` and `grpc_pass`.
    pub port: String,
    /// What takes the place of the location; empty if the URI stays as it is.
    pub uri: String,
    /// An address that names no block has to have one.
    needs_port: bool,
}

/// Which of the schemes it is, and what stands behind it.
fn scheme(text: &str, known: [Scheme; 2]) -> Result<Option<(Scheme, &str)>, String> {
    let found = known.into_iter().find_map(|scheme| {
        let prefix = scheme.prefix();
        let start = text.get(..prefix.len())?;
        let rest = &text[prefix.len()..];
        start.eq_ignore_ascii_case(prefix).then_some((scheme, rest))
    });
    match found {
        Some((scheme, _)) if scheme.is_secure() && !cfg!(feature = "tls") => {
            let scheme = scheme.prefix();
            let message = format!("\"{scheme}\" needs this crate's feature \"tls\"");
            Err(message)
        }
        found => Ok(found),
    }
}

impl PassUrl {
    /// Reads `http://address[/uri]` or `https://address[/uri]`. The error is in NGINX's words, but for
    /// the one about a missing feature.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = [Scheme::Http, Scheme::Https];
        let (scheme, rest) = scheme(text, known)?.ok_or("invalid URL prefix")?;
        let address =
            Address::with_uri(rest).map_err(|what| format!("{what} in upstream \"{rest}\""))?;
        let default = scheme.default_port();
        let (host, port) = match (address.is_unix(), address.port) {
            (true, _) => ("localhost".into(), String::new()),
            (false, Some(port)) if port != default => (address.authority(), port.to_string()),
            (false, _) => (address.host.clone(), default.to_string()),
        };
        Ok(Self {
            scheme,
            uri: address.uri.clone(),
            address,
            host,
            port,
            needs_port: false,
        })
    }

    /// Reads `[grpc://]address` or `grpcs://address`, which has no URI and no port by default. The error
    /// is in NGINX's words, but for the one about a missing feature.
    pub fn grpc(text: &str) -> Result<Self, String> {
        let found = scheme(text, [Scheme::Grpc, Scheme::Grpcs])?;
        let (scheme, rest) = found.unwrap_or((Scheme::Grpc, text));
        let address =
            Address::parse(rest).map_err(|what| format!("{what} in upstream \"{rest}\""))?;
        Ok(Self {
            scheme,
            host: match address.is_unix() {
                true => "localhost".into(),
                false => address.authority(),
            },
            port: String::new(),
            uri: String::new(),
            address,
            needs_port: true,
        })
    }

    /// The upstream block this names; upper and lower case are the same (CF-7).
    pub fn find(&self, groups: &[GroupConfig]) -> Result<Option<usize>, String> {
        let name = &self.address.host;
        let found = groups
            .iter()
            .position(|group| group.name.eq_ignore_ascii_case(name));
        match (found, self.address.port) {
            (Some(_), Some(port)) => Err(format!("upstream \"{name}\" may not have port {port}")),
            (None, None) if self.needs_port && !self.address.is_unix() => {
                Err(format!("no port in upstream \"{name}\""))
            }
            _ => Ok(found),
        }
    }

    /// A group of its own for a destination that names no upstream block.
    pub fn group(&self) -> GroupConfig {
        let mut address = self.address.authority();
        if self.scheme.is_secure() && self.address.port.is_none() && !self.address.is_unix() {
            // A server's line without a port means 80, whoever passes to it.
            address = format!("{}:{}", self.address.host, self.scheme.default_port());
        }
        let mut group = GroupConfig::new(address.clone());
        group.servers.push(Server::new(address));
        group
    }
}

/// Notes a `proxy_pass` or `grpc_pass` of a location. The same twice is an error; of the two the later
/// one serves, as in NGINX, and the last of `passes` is the one that holds.
pub fn pass_directive<'a>(
    passes: &mut Vec<&'a Directive>,
    d: &'a Directive,
    problems: &mut Problems,
) {
    if passes.iter().any(|before| before.name() == d.name()) {
        return problems.push(&d.name.place, duplicate(d));
    }
    if let Some(before) = passes.last() {
        let (before, now) = (before.name(), d.name());
        let message = format!("\"{now}\" takes the place of this location's \"{before}\"");
        problems.warn(&d.name.place, message);
    }
    passes.push(d);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, expected) in [
            ("http://orders", Ok(("orders", "80", ""))),
            ("HTTP://a:80/x", Ok(("a", "80", "/x"))),
            ("http://a:8080/", Ok(("a:8080", "8080", "/"))),
            ("http://[::1]:81", Ok(("[::1]:81", "81", ""))),
            ("http://unix:/tmp/s:/x", Ok(("localhost", "", "/x"))),
            ("http://a:443", Ok(("a:443", "443", ""))),
            ("https://a", Ok(("a", "443", ""))),
            ("HTTPS://a:443/x", Ok(("a", "443", "/x"))),
            ("https://a:80/", Ok(("a:80", "80", "/"))),
            ("https://[::1]", Ok(("[::1]", "443", ""))),
            ("https://unix:/tmp/s:/x", Ok(("localhost", "", "/x"))),
            ("orders", Err("invalid URL prefix")),
            ("", Err("invalid URL prefix")),
            ("http://", Err("no host in upstream \"\"")),
            ("http://a:0/x", Err("invalid port in upstream \"a:0/x\"")),
        ] {
            let found = PassUrl::parse(text).map(|u| (u.host, u.port, u.uri));
            let own = |(h, p, u): (&str, &str, &str)| (h.into(), p.into(), u.into());
            assert_eq!(found, expected.map(own).map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn grpc_urls() {
        for (text, expected) in [
            ("grpc://orders:50051", Ok("orders:50051")),
            ("GRPC://a:80", Ok("a:80")),
            ("127.0.0.1:9", Ok("127.0.0.1:9")),
            ("[::1]:9", Ok("[::1]:9")),
            ("unix:/tmp/s", Ok("localhost")),
            ("grpc://unix:/tmp/s:/x", Ok("localhost")),
            ("", Err("no host in upstream \"\"")),
            ("grpc://a:9/x", Err("invalid host in upstream \"a:9/x\"")),
            ("grpcs://a:9", Ok("a:9")),
            ("http://a", Err("invalid host in upstream \"http://a\"")),
        ] {
            let found = PassUrl::grpc(text);
            let found = found.map(|url| url.host);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{text:?}");
        }
        let find = |text| {
            let url = PassUrl::grpc(text).expect("valid");
            url.find(&[GroupConfig::new("orders")])
        };
        assert_eq!(find("Orders"), Ok(Some(0)));
        assert_eq!(find("unix:/tmp/s"), Ok(None));
        let port = "no port in upstream \"127.0.0.1\"";
        assert_eq!(find("grpc://127.0.0.1"), Err(port.into()));
    }

    #[test]
    fn a_server_of_its_own_has_the_port_of_its_scheme() {
        for (text, expected) in [
            ("http://a", "a"),
            ("http://a:443", "a:443"),
            ("https://a", "a:443"),
            ("https://a:80", "a:80"),
            ("https://[::1]", "[::1]:443"),
            ("https://unix:/tmp/s", "unix:/tmp/s"),
        ] {
            let group = PassUrl::parse(text).expect("valid").group();
            assert_eq!(group.servers[0].address, expected, "{text}");
        }
    }

    #[test]
    fn a_block_is_found_in_any_case_and_without_a_port() {
        let groups = [GroupConfig::new("one"), GroupConfig::new("Orders")];
        let find = |text| PassUrl::parse(text).expect("valid").find(&groups);
        assert_eq!(find("http://oRDERS/x"), Ok(Some(1)));
        assert_eq!(find("http://two"), Ok(None));
        let port = "upstream \"orders\" may not have port 80";
        assert_eq!(find("http://orders:80"), Err(port.into()));
    }
}
