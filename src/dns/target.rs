use std::net::SocketAddr;

use crate::upstream::config::{ConfigError, Server};

/// What is to be looked up for one `server` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    line: Server,
    host: String,
    port: u16,
}

impl Target {
    /// What a line with [`resolve`](Server::resolve) asks for. The port is 80 by default; a service
    /// has its ports from DNS.
    ///
    /// # Errors
    ///
    /// The line has no name that DNS could know.
    pub fn new(line: &Server) -> Result<Self, ConfigError> {
        let Some((host, port)) = line.named_host() else {
            return Err(ConfigError::new(vec![format!(
                "there is no name to resolve in server \"{}\"",
                line.address
            )]));
        };
        Ok(Self {
            host: host.to_owned(),
            port: port.unwrap_or(80),
            line: line.clone(),
        })
    }

    /// The line it was made of.
    pub fn line(&self) -> &Server {
        &self.line
    }

    /// The name whose A and AAAA records are wanted, unless it is a [`service`](Self::service).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port that goes with the host's addresses.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name whose SRV records are wanted: `_http._tcp.host` for `service=http`, and
    /// `a.b.host` for `service=a.b` (DN-4).
    pub fn service(&self) -> Option<String> {
        let service = self.line.service.as_deref()?;
        Some(match service.contains('.') {
            true => format!("{service}.{}", self.host),
            false => format!("_{service}._tcp.{}", self.host),
        })
    }
}

/// A peer that DNS knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it listens.
    pub address: SocketAddr,
    /// The `server` argument it comes from, or of a service the SRV record's target, which NGINX
    /// gives its ring (CH-1).
    pub origin: String,
    /// Its share of traffic.
    pub weight: u32,
    /// Used only when no primary may be.
    pub backup: bool,
}

impl Member {
    /// The peer as a `server` line with a literal address; everything DNS does not tell is as `line`
    /// has it.
    pub fn server(&self, line: &Server) -> Server {
        Server {
            address: self.address.to_string(),
            origin: Some(self.origin.clone()),
            weight: self.weight,
            backup: self.backup,
            resolve: false,
            service: None,
            ..line.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_a_dot_is_one_over_tcp() {
        let service = |line: Server| Target::new(&line).unwrap().service();
        let named = |service: &str| Server::new("orders.internal").service(service);
        for (line, name) in [
            (named("http"), Some("_http._tcp.orders.internal")),
            (named("_http._tcp"), Some("_http._tcp.orders.internal")),
            (named("a.b"), Some("a.b.orders.internal")),
            (Server::new("orders.internal:8080").resolve(), None),
        ] {
            assert_eq!(service(line).as_deref(), name);
        }
    }

    #[test]
    fn a_host_has_the_lines_port() {
        let port = |address| Target::new(&Server::new(address)).unwrap().port();
        assert_eq!(port("orders.internal:8080"), 8080);
        assert_eq!(port("orders.internal"), 80);
        let literal = Target::new(&Server::new("10.0.0.1:80")).unwrap_err();
        assert_eq!(
            literal.to_string(),
            "there is no name to resolve in server \"10.0.0.1:80\""
        );
    }

    #[test]
    fn a_member_is_its_line_with_an_address() {
        let line = Server::new("orders.internal")
            .service("http")
            .max_fails(3)
            .max_conns(7);
        let member = Member {
            address: "[::1]:8080".parse().unwrap(),
            origin: "a.internal".into(),
            weight: 5,
            backup: true,
        };
        let expected = Server::new("[::1]:8080").max_fails(3).max_conns(7);
        let expected = expected.weight(5).backup().origin("a.internal");
        assert_eq!(member.server(&line), expected);
    }
}
