use std::time::Duration;

use http::HeaderValue;
use http::uri::{Authority, PathAndQuery};

use super::statuses::Statuses;
use crate::classify::Codes;

/// Looks at every server of a group from time to time, whether or not requests go there. Run by
/// [`health::Checks`](crate::health::Checks). In NGINX `health_check`, which is commercial; in
/// nginx.conf here `active_check`.
///
/// | value | default | NGINX's word | HAProxy's |
/// | --- | --- | --- | --- |
/// | [`probe`](Self::probe) | HTTP: `GET /`, 200 to 399 | `uri=`, `match=`, `type=grpc` | `option httpchk` |
/// | [`interval`](Self::interval) | 5 s | `interval=` | `inter` (2 s) |
/// | [`unsure`](Self::unsure) | 1 s | - | `fastinter` |
/// | [`timeout`](Self::timeout) | 1 s | `proxy_read_timeout` and others | `timeout check` |
/// | [`jitter`](Self::jitter) | 10 % | `jitter=`, a time | `spread-checks` |
/// | [`rise`](Self::rise) | 2 | `passes=` (1) | `rise` (2) |
/// | [`fall`](Self::fall) | 3 | `fails=` (1) | `fall` (3) |
/// | [`port`](Self::port) | the server's | `port=` | `port` |
/// | [`mandatory`](Self::mandatory) | off | `mandatory` | `init-state down` |
///
/// ```
/// use std::time::Duration;
/// use tower_upstream::HealthCheck;
///
/// // active_check uri=/healthz interval=2s fall=2;
/// let check = HealthCheck::http("/healthz").interval(Duration::from_secs(2)).fall(2);
/// assert!(check.problems().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct HealthCheck {
    /// What is asked of a server.
    pub probe: Probe,
    /// From the beginning of one look at a server to the next.
    pub interval: Duration,
    /// The same while the verdict is open: before the first one, and after a look that spoke
    /// against it. No longer than `interval`, whatever it says.
    pub unsure: Duration,
    /// Limit on one look, connecting included.
    pub timeout: Duration,
    /// Up to so many percent, drawn anew each time, are added to every pause.
    pub jitter: u32,
    /// Looks in a row that must go well for an unhealthy server to be healthy again.
    pub rise: u32,
    /// Looks in a row that must fail for a server to be unhealthy.
    pub fall: u32,
    /// Where to look, if not where requests go. Unix sockets have none.
    pub port: Option<u16>,
    /// No request goes to a server before a look at it went well. Otherwise servers that were not
    /// looked at yet count as healthy.
    pub mandatory: bool,
}

/// What is asked of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Probe {
    /// An HTTP request, over a connection of its own that is closed afterwards.
    Http(HttpProbe),
    /// A connection that is accepted; nothing is sent.
    Tcp,
    /// A call of gRPC's own health service, over HTTP/2 (feature `http2`).
    Grpc(GrpcProbe),
}

/// A call of `grpc.health.v1.Health/Check`, and the answer that is hoped for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct GrpcProbe {
    /// Whose health is asked for (`grpc_service=`); default the server's as a whole.
    pub service: String,
    /// What the server is called; default the group's name.
    pub host: Option<String>,
    /// Statuses that are well (`grpc_status=`). Default OK, with which the server has to say that it is
    /// serving. UNIMPLEMENTED is the answer of servers that do not have the service.
    pub status: Codes,
}

/// An HTTP request, and the answer that is hoped for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct HttpProbe {
    /// Path, and query if there is one; default `/`.
    pub path: String,
    /// The `Host` header; default the group's name.
    pub host: Option<String>,
    /// Statuses that are well; default 200 to 399.
    pub status: Statuses,
    /// GET or HEAD; default GET.
    pub method: ProbeMethod,
}

/// The method of an [`HttpProbe`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "UPPERCASE"))]
pub enum ProbeMethod {
    /// The answer's body has to end within the time too, or to exceed 16 KiB.
    #[default]
    Get,
    /// Without a body.
    Head,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            probe: Probe::Http(HttpProbe::default()),
            interval: Duration::from_secs(5),
            unsure: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            jitter: 10,
            rise: 2,
            fall: 3,
            port: None,
            mandatory: false,
        }
    }
}

impl Default for HttpProbe {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            host: None,
            status: Statuses::default(),
            method: ProbeMethod::Get,
        }
    }
}

impl Default for GrpcProbe {
    fn default() -> Self {
        Self {
            service: String::new(),
            host: None,
            status: Codes::OK,
        }
    }
}

impl From<GrpcProbe> for Probe {
    fn from(probe: GrpcProbe) -> Self {
        Self::Grpc(probe)
    }
}

impl From<HttpProbe> for Probe {
    fn from(probe: HttpProbe) -> Self {
        Self::Http(probe)
    }
}

impl HealthCheck {
    /// Looks with this probe, and defaults.
    pub fn new(probe: impl Into<Probe>) -> Self {
        Self {
            probe: probe.into(),
            ..Self::default()
        }
    }

    /// `GET` this path; 200 to 399 is well.
    pub fn http(path: impl Into<String>) -> Self {
        Self::new(HttpProbe {
            path: path.into(),
            ..HttpProbe::default()
        })
    }

    /// A server is well that accepts connections.
    pub fn tcp() -> Self {
        Self::new(Probe::Tcp)
    }

    /// Asks gRPC's health service for a service by name, or for the whole server if the name is empty.
    pub fn grpc(service: impl Into<String>) -> Self {
        Self::new(GrpcProbe {
            service: service.into(),
            ..GrpcProbe::default()
        })
    }

    /// From one look to the next, default 5 s (`interval=`).
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The same while the verdict is open, default 1 s (HAProxy's `fastinter`).
    pub fn unsure(mut self, interval: Duration) -> Self {
        self.unsure = interval;
        self
    }

    /// Limit on one look, default 1 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Up to so many percent are added to every pause, default 10 (`jitter=`).
    pub fn jitter(mut self, percent: u32) -> Self {
        self.jitter = percent;
        self
    }

    /// Looks that bring a server back, default 2 (`passes=`).
    pub fn rise(mut self, looks: u32) -> Self {
        self.rise = looks;
        self
    }

    /// Looks that take a server out, default 3 (`fails=`).
    pub fn fall(mut self, looks: u32) -> Self {
        self.fall = looks;
        self
    }

    /// Looks at this port instead of the server's own (`port=`).
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// No request before the first look that went well (`mandatory`).
    pub fn mandatory(mut self) -> Self {
        self.mandatory = true;
        self
    }

    /// Everything that makes no sense.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = match &self.probe {
            Probe::Http(probe) => probe.problems(),
            Probe::Tcp => Vec::new(),
            Probe::Grpc(probe) => probe.problems(),
        };
        let times = [
            ("interval", self.interval),
            ("unsure", self.unsure),
            ("timeout", self.timeout),
        ];
        for (name, _) in times.iter().filter(|(_, time)| time.is_zero()) {
            problems.push(format!("active_check: {name} is 0"));
        }
        for (name, count) in [("rise", self.rise), ("fall", self.fall)] {
            if count == 0 {
                problems.push(format!("active_check: {name} is 0"));
            }
        }
        if self.jitter > 100 {
            let jitter = self.jitter;
            problems.push(format!("active_check: jitter {jitter}% is above 100%"));
        }
        if self.port == Some(0) {
            problems.push("active_check: port is 0".to_owned());
        }
        problems
    }
}

impl GrpcProbe {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !cfg!(feature = "http2") {
            problems.push("active_check: gRPC needs this crate's feature \"http2\"".to_owned());
        }
        if let Some(host) = &self.host {
            if host.parse::<Authority>().is_err() {
                problems.push(format!("active_check: \"{host}\" cannot be a host"));
            }
        }
        if self.status == Codes::NONE {
            problems.push("active_check: no gRPC status is well".to_owned());
        }
        problems
    }
}

impl HttpProbe {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let path = &self.path;
        if !path.starts_with('/') || path.parse::<PathAndQuery>().is_err() {
            problems.push(format!("active_check: \"{path}\" is no path"));
        }
        if let Some(host) = &self.host {
            if host.is_empty() || HeaderValue::from_str(host).is_err() {
                problems.push(format!("active_check: \"{host}\" cannot be a Host header"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_told() {
        let check = HealthCheck {
            probe: Probe::Http(HttpProbe {
                path: "healthz".into(),
                host: Some("a\nb".into()),
                ..HttpProbe::default()
            }),
            interval: Duration::ZERO,
            unsure: Duration::ZERO,
            timeout: Duration::ZERO,
            jitter: 101,
            rise: 0,
            fall: 0,
            port: Some(0),
            mandatory: false,
        };
        assert_eq!(
            check.problems(),
            [
                "active_check: \"healthz\" is no path",
                "active_check: \"a\nb\" cannot be a Host header",
                "active_check: interval is 0",
                "active_check: unsure is 0",
                "active_check: timeout is 0",
                "active_check: rise is 0",
                "active_check: fall is 0",
                "active_check: jitter 101% is above 100%",
                "active_check: port is 0",
            ]
        );
        for fine in [HealthCheck::tcp(), HealthCheck::http("/a?b=c")] {
            assert_eq!(fine.problems(), [] as [&str; 0]);
        }
        let spaced = HealthCheck::http("/a b").problems();
        assert_eq!(spaced, ["active_check: \"/a b\" is no path"]);
    }
}
