use std::net::IpAddr;
use std::time::Duration;

use super::Server;
use crate::connect::host_and_port;

/// Whom names are asked of, and for how long answers hold: `resolver` and `resolver_timeout`.
///
/// | value | default | NGINX word |
/// | --- | --- | --- |
/// | [`servers`](Self::servers) | the system's | `resolver`'s addresses (there required) |
/// | [`valid`](Self::valid) | the record's lifetime | `valid=` |
/// | [`ipv4`](Self::ipv4) | on | `ipv4=` |
/// | [`ipv6`](Self::ipv6) | on | `ipv6=` |
/// | [`timeout`](Self::timeout) | 30 s | `resolver_timeout` |
///
/// ```
/// use std::time::Duration;
/// use tower_upstream::ResolverConfig;
///
/// // resolver 10.0.0.2 [fd00::2]:5353 valid=30s ipv6=off;
/// let resolver = ResolverConfig {
///     servers: vec!["10.0.0.2".into(), "[fd00::2]:5353".into()],
///     valid: Some(Duration::from_secs(30)),
///     ipv6: false,
///     ..ResolverConfig::default()
/// };
/// assert!(resolver.problems().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ResolverConfig {
    /// Name servers, `host[:port]`, port 53 by default. Names among them are resolved once, by the
    /// system. Without any the system's configuration is used, its search list and hosts file
    /// included; those who are named here are asked for absolute names only, as NGINX does.
    pub servers: Vec<String>,
    /// How long an answer holds, whatever its records say. Zero is as good as none.
    pub valid: Option<Duration>,
    /// Ask for A records.
    pub ipv4: bool,
    /// Ask for AAAA records.
    pub ipv6: bool,
    /// Limit on one look at a name, SRV targets included; zero is no limit. It is also the pause
    /// after a look that failed, at least 1 s (DN-2).
    pub timeout: Duration,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            valid: None,
            ipv4: true,
            ipv6: true,
            timeout: Duration::from_secs(30),
        }
    }
}

impl ResolverConfig {
    /// Every reason why no resolver can be built from this, in NGINX's words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for server in &self.servers {
            if let Err(problem) = host_and_port(server) {
                problems.push(format!("{problem} in resolver \"{server}\""));
            }
        }
        if !self.ipv4 && !self.ipv6 {
            problems.push("\"ipv4\" and \"ipv6\" cannot both be \"off\"".to_owned());
        }
        problems
    }
}

impl Server {
    /// Whether its addresses are DNS's to tell: `resolve` is set, and there is a name to resolve. A
    /// literal address stays what it is.
    pub fn follows_dns(&self) -> bool {
        self.resolve && self.named_host().is_some()
    }

    /// The host and its port, if the host is a name.
    pub(crate) fn named_host(&self) -> Option<(&str, Option<u16>)> {
        if self.address.starts_with("unix:") {
            return None;
        }
        let (host, port) = host_and_port(&self.address).ok()?;
        let literal = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        (!literal).then_some((host, port))
    }

    /// What is wrong with `resolve` and `service=`, in NGINX's words.
    pub(super) fn resolve_problems(&self) -> Vec<String> {
        let at = &self.address;
        let mut problems = Vec::new();
        if let Some(service) = &self.service {
            if service.is_empty() {
                problems.push(format!("service of server \"{at}\" is empty"));
            }
            if !self.resolve {
                problems.push(format!(
                    "service upstream server \"{at}\" requires \"resolve\" parameter"
                ));
            }
            match self.named_host() {
                None => problems.push(format!(
                    "service upstream server \"{at}\" requires domain name"
                )),
                Some((_, Some(_))) => problems.push(format!(
                    "service upstream server \"{at}\" may not have port"
                )),
                Some((_, None)) => {}
            }
        }
        if self.follows_dns() && !cfg!(feature = "dns") {
            problems.push(format!(
                "\"resolve\" of server \"{at}\" needs the crate's feature \"dns\""
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_without_servers_is_the_systems() {
        assert_eq!(ResolverConfig::default().problems(), [] as [&str; 0]);
    }

    #[test]
    fn every_problem_of_a_resolver_is_told() {
        let resolver = ResolverConfig {
            servers: vec!["10.0.0.2:x".into(), ":53".into(), "ns.example".into()],
            ipv4: false,
            ipv6: false,
            ..ResolverConfig::default()
        };
        assert_eq!(
            resolver.problems(),
            [
                "invalid port in resolver \"10.0.0.2:x\"",
                "no host in resolver \":53\"",
                "\"ipv4\" and \"ipv6\" cannot both be \"off\"",
            ]
        );
    }

    #[test]
    fn only_names_follow_dns() {
        let follows = |address: &str| Server::new(address).resolve().follows_dns();
        assert!(follows("orders.internal:8080"));
        assert!(follows("orders"));
        for literal in ["10.0.0.1", "10.0.0.1:80", "[::1]", "[::1]:80", "unix:/a"] {
            assert!(!follows(literal), "{literal}");
        }
        assert!(!Server::new("orders.internal").follows_dns());
    }

    #[test]
    fn a_service_needs_resolve_and_a_bare_name() {
        let told = |server: Server| {
            let mut problems = server.resolve_problems();
            problems.retain(|problem| !problem.contains("needs the crate's feature"));
            problems
        };
        assert_eq!(
            told(Server::new("a.example").service("http")),
            [] as [&str; 0]
        );
        let mut unresolved = Server::new("a.example").service("http");
        unresolved.resolve = false;
        for (server, problem) in [
            (unresolved, "\"a.example\" requires \"resolve\" parameter"),
            (
                Server::new("a.example:80").service("http"),
                "\"a.example:80\" may not have port",
            ),
            (
                Server::new("10.0.0.1").service("http"),
                "\"10.0.0.1\" requires domain name",
            ),
        ] {
            assert_eq!(told(server), [format!("service upstream server {problem}")]);
        }
        let empty = told(Server::new("a.example").service(""));
        assert_eq!(empty, ["service of server \"a.example\" is empty"]);
    }

    #[cfg(not(feature = "dns"))]
    #[test]
    fn without_the_feature_it_is_refused_by_name() {
        let problems = Server::new("a.example").resolve().resolve_problems();
        assert_eq!(
            problems,
            ["\"resolve\" of server \"a.example\" needs the crate's feature \"dns\""]
        );
    }
}
