use super::Address;
use crate::upstream::config::{GroupConfig, Server};

/// The destination of a `proxy_pass` without variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassUrl {
    /// Where to.
    pub address: Address,
    /// `$proxy_host`: the default `Host`. `localhost` for `unix:`.
    pub host: String,
    /// `$proxy_port`: as written, else 80; empty for `unix:`.
    pub port: String,
    /// What takes the place of the location; empty if the URI stays as it is.
    pub uri: String,
}

impl PassUrl {
    /// Reads `http://address[/uri]`. The error is in NGINX's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scheme = |scheme: &str| {
            let start = text.get(..scheme.len())?;
            start
                .eq_ignore_ascii_case(scheme)
                .then(|| &text[scheme.len()..])
        };
        if scheme("https://").is_some() {
            return Err("https in \"proxy_pass\" is not supported yet".into());
        }
        let rest = scheme("http://").ok_or("invalid URL prefix")?;
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
    fn a_block_is_found_in_any_case_and_without_a_port() {
        let groups = [GroupConfig::new("one"), GroupConfig::new("Orders")];
        let find = |text| PassUrl::parse(text).expect("valid").find(&groups);
        assert_eq!(find("http://oRDERS/x"), Ok(Some(1)));
        assert_eq!(find("http://two"), Ok(None));
        let port = "upstream \"orders\" may not have port 80";
        assert_eq!(find("http://orders:80"), Err(port.into()));
    }
}
