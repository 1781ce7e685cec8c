use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// Where a peer listens. Written as NGINX writes it in logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// A Unix socket, `unix:/path`.
    Unix(PathBuf),
}

impl Address {
    /// Every address that `text` stands for: itself, or what the system's resolver says of its host
    /// name. The port defaults to 80 (CF-5). Blocks while it resolves, as NGINX does at start.
    ///
    /// # Errors
    ///
    /// `invalid port` and `host not found`, in NGINX's words.
    pub fn resolve(text: &str) -> Result<Vec<Self>, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(format!(
                    "no path in the unix domain socket in upstream \"{text}\""
                )),
                path => Ok(vec![Self::Unix(path.into())]),
            };
        }
        let (host, port) =
            host_and_port(text).map_err(|problem| format!("{problem} in upstream \"{text}\""))?;
        let port = port.unwrap_or(80);
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let found = (bare.unwrap_or(host), port)
            .to_socket_addrs()
            .map_err(|_| format!("host not found in upstream \"{text}\""))?;
        let mut addresses: Vec<Self> = Vec::new();
        for address in found.map(Self::Tcp) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        match addresses.is_empty() {
            true => Err(format!("host not found in upstream \"{text}\"")),
            false => Ok(addresses),
        }
    }
}

/// A host, a v6 one in its brackets, and the port behind it. The error is what NGINX puts before
/// `in upstream "..."`.
pub(crate) fn host_and_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let after_v6 = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match text[after_v6..].rfind(':') {
        None => (text, None),
        Some(colon) => {
            let (host, port) = (&text[..after_v6 + colon], &text[after_v6 + colon + 1..]);
            match port.parse() {
                Ok(port) if port != 0 => (host, Some(port)),
                _ => return Err("invalid port"),
            }
        }
    };
    match host.is_empty() {
        true => Err("no host"),
        false => Ok((host, port)),
    }
}

impl Address {
    /// The address that `text` is, port 80 unless it names one; a name is none.
    pub(crate) fn literal(text: &str) -> Result<Self, String> {
        if text.starts_with("unix:") {
            return Self::resolve(text).map(|mut found| found.swap_remove(0));
        }
        let (host, port) =
            host_and_port(text).map_err(|problem| format!("{problem} in upstream \"{text}\""))?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let ip = bare.unwrap_or(host).parse();
        let ip = ip.map_err(|_| format!("\"{text}\" is a name; an address is needed here"))?;
        Ok(Self::Tcp(SocketAddr::new(ip, port.unwrap_or(80))))
    }
}

impl FromStr for Address {
    type Err = io::Error;

    /// A literal address; names are [`resolve`](Self::resolve)'s.
    fn from_str(text: &str) -> io::Result<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("\"{text}\": {error}"))
            }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_default_to_80_and_are_checked() {
        let text = |text: &str| Address::resolve(text).map(|found| found[0].to_string());
        assert_eq!(text("127.0.0.1").as_deref(), Ok("127.0.0.1:80"));
        assert_eq!(text("[::1]:81").as_deref(), Ok("[::1]:81"));
        assert_eq!(text("[::1]").as_deref(), Ok("[::1]:80"));
        for bad in [
            "127.0.0.1:0",
            "127.0.0.1:70000",
            "127.0.0.1:x",
            "127.0.0.1:",
        ] {
            let expected = format!("invalid port in upstream \"{bad}\"");
            assert_eq!(text(bad), Err(expected));
        }
        assert_eq!(
            text("no-such-host.invalid:80"),
            Err("host not found in upstream \"no-such-host.invalid:80\"".into())
        );
    }
}
