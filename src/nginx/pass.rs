use super::values::duplicate;
use super::{Address, Directive, Problems};
use crate::upstream::config::{GroupConfig, Server};

/// The destination of a `proxy_pass` or `grpc_pass` without variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassUrl {
    /// Where to.
    pub address: Address,
    /// The default `Host`, and `$proxy_host` of a `proxy_pass`. `localhost` for `unix:`.
    pub host: String,
    /// `$proxy_port`: as written, else 80; empty for `unix:` and `grpc_pass`.
    pub port: String,
    /// What takes the place of the location; empty if the URI stays as it is.
    pub uri: String,
    /// An address that names no block has to have one.
    needs_port: bool,
}

fn without_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let start = text.get(..scheme.len())?;
    let rest = &text[scheme.len()..];
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

impl PassUrl {
    /// Reads `http://address[/uri]`. The error is in NGINX's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if without_scheme(text, "https://").is_some() {
            return Err("https in \"proxy_pass\" is not supported yet".into());
        }
        let rest = without_scheme(text, "http://").ok_or("invalid URL prefix")?;
        let address =
            Address::with_uri(rest).map_err(|what| format!("{what} in upstream \"{rest}\""))?;
        let (host, port) = match (address.is_unix(), address.port) {
            (true, _) => ("localhost".into(), String::new()),
            (false, None | Some(80)) => (address.host.clone(), "80".into()),
            (false, Some(port)) => (address.authority(), port.to_string()),
        };
        Ok(Self {
            uri: address.uri.clone(),
            address,
            host,
            port,
            needs_port: false,
        })
    }

    /// Reads `[grpc://]address`, which has no URI and no port by default. The error is in NGINX's
    /// words.
    pub fn grpc(text: &str) -> Result<Self, String> {
        if without_scheme(text, "grpcs://").is_some() {
            return Err("grpcs in \"grpc_pass\" is not supported yet".into());
        }
        let rest = without_scheme(text, "grpc://").unwrap_or(text);
        let address =
            Address::parse(rest).map_err(|what| format!("{what} in upstream \"{rest}\""))?;
        Ok(Self {
            host: match address.is_unix() {
                true => "localhost".into(),
                false => address.authority(),
            },
            port: address
                .port
                .map(|port| port.to_string())
                .unwrap_or_default(),
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
        let address = self.address.authority();
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
    fn a_block_is_found_in_any_case_and_without_a_port() {
        let groups = [GroupConfig::new("one"), GroupConfig::new("Orders")];
        let find = |text| PassUrl::parse(text).expect("valid").find(&groups);
        assert_eq!(find("http://oRDERS/x"), Ok(Some(1)));
        assert_eq!(find("http://two"), Ok(None));
        let port = "upstream \"orders\" may not have port 80";
        assert_eq!(find("http://orders:80"), Err(port.into()));
    }
}
