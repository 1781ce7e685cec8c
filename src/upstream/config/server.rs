use std::time::Duration;

use http::HeaderValue;

use crate::balance::Route;

/// One `server` line of an upstream block. A name with several addresses becomes several peers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Server {
    /// `host:port`, `host` (port 80), `[v6]:port` or `unix:/path`. Names are resolved once, at build,
    /// unless [`resolve`](Self::resolve) is set.
    pub address: String,
    /// Share of traffic, at least 1.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub weight: u32,
    /// Failures that take the peer out; 0 never does.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub max_fails: u32,
    /// How long a peer that reached `max_fails` is left alone. Whole seconds.
    #[cfg_attr(feature = "serde", serde(default = "ten_seconds"))]
    pub fail_timeout: Duration,
    /// Attempts in flight at once; 0 is no limit.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_conns: u32,
    /// Used only when no other peer may be.
    #[cfg_attr(feature = "serde", serde(default))]
    pub backup: bool,
    /// Never used, yet still part of the group.
    #[cfg_attr(feature = "serde", serde(default))]
    pub down: bool,
    /// Used only by requests that are bound to it (SK-6).
    #[cfg_attr(feature = "serde", serde(default))]
    pub drain: bool,
    /// What sticky requests call it, 1 to 32 characters; `None` is the MD5 of its address (SK-1).
    #[cfg_attr(feature = "serde", serde(default))]
    pub route: Option<String>,
    /// Its name is looked up again and again; until the first answer it stands for no peer (DN-1).
    /// Feature `dns`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resolve: bool,
    /// Its peers are what the SRV records of this service say; a service without a dot becomes
    /// `_service._tcp.host` (DN-4). Needs [`resolve`](Self::resolve) and a name without port.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service: Option<String>,
    /// The name whose address this is, for addresses that were looked up: `hash ... consistent` goes
    /// by it, so that all addresses of a name are one place on the ring (CH-1, CH-4). `None`: the
    /// address as it is written.
    #[cfg_attr(feature = "serde", serde(default))]
    pub origin: Option<String>,
}

#[cfg(feature = "serde")]
fn one() -> u32 {
    1
}

#[cfg(feature = "serde")]
fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

impl Server {
    /// A server with NGINX's defaults.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            weight: 1,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            max_conns: 0,
            backup: false,
            down: false,
            drain: false,
            route: None,
            resolve: false,
            service: None,
            origin: None,
        }
    }

    /// Share of traffic, default 1, at least 1 (`weight=`).
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Failures that take the peer out, default 1; 0 never does (`max_fails=`).
    pub fn max_fails(mut self, max_fails: u32) -> Self {
        self.max_fails = max_fails;
        self
    }

    /// How long a failed peer is left alone, default 10 s, whole seconds (`fail_timeout=`).
    pub fn fail_timeout(mut self, fail_timeout: Duration) -> Self {
        self.fail_timeout = fail_timeout;
        self
    }

    /// Attempts in flight at once, default 0: no limit (`max_conns=`).
    pub fn max_conns(mut self, max_conns: u32) -> Self {
        self.max_conns = max_conns;
        self
    }

    /// Used only when no primary may be (`backup`).
    pub fn backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// Never used, yet still part of the group (`down`).
    pub fn down(mut self) -> Self {
        self.down = true;
        self
    }

    /// Used only by requests that are bound to it (`drain`).
    pub fn drain(mut self) -> Self {
        self.drain = true;
        self
    }

    /// What sticky requests call it, 1 to 32 characters, default the MD5 of its address (`route=`).
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Looks the name up again and again, as its TTL says (`resolve`; feature `dns`).
    pub fn resolve(mut self) -> Self {
        self.resolve = true;
        self
    }

    /// Takes the peers from the SRV records of a service, again and again (`service=` and `resolve`;
    /// feature `dns`).
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.resolve = true;
        self.service = Some(service.into());
        self
    }

    /// The name whose address this is, default the address itself; what `hash ... consistent` goes by.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

impl Server {
    /// It with one of the addresses its own stands for.
    pub(crate) fn at(&self, address: impl ToString) -> Self {
        let address = address.to_string();
        let written = self.origin.as_ref().unwrap_or(&self.address);
        Self {
            origin: (*written != address).then(|| written.clone()),
            address,
            ..self.clone()
        }
    }

    /// Every reason why it cannot be a peer as it is, in NGINX's words where it has them.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let at = &self.address;
        if self.weight == 0 {
            problems.push(format!(
                "invalid parameter \"weight=0\" of server \"{at}\": at least 1"
            ));
        }
        if self.fail_timeout.subsec_nanos() != 0 {
            problems.push(format!(
                "invalid parameter \"fail_timeout={:?}\" of server \"{at}\": whole seconds only",
                self.fail_timeout
            ));
        }
        let sendable = |route: &str| HeaderValue::from_str(route).is_ok();
        let named = |route: &&str| Route::new(route).is_some() && sendable(route);
        if let Some(route) = self.route.as_deref().filter(|route| !named(route)) {
            problems.push(format!(
                "invalid parameter \"route={route}\" of server \"{at}\": 1 to 32 characters"
            ));
        }
        problems.extend(self.resolve_problems());
        problems
    }
}
