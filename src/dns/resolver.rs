use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig as NameServers,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::answer::{Answer, Failure, Site};
use super::target::Target;
use crate::clock;
use crate::connect::host_and_port;
use crate::upstream::config::{ConfigError, ResolverConfig};

/// SRV targets asked for at once.
const AT_ONCE: usize = 16;

/// Asks name servers. Nothing is cached: how long an answer lasts is the [`Watch`](super::Watch)'s
/// to say.
///
/// Clones share their sockets and what they know of the name servers' speed.
#[derive(Clone)]
pub struct Resolver {
    asker: TokioResolver,
    config: ResolverConfig,
}

impl Resolver {
    /// Reads the system's configuration, or finds the name servers that are named instead. Blocks
    /// where those are given by name.
    ///
    /// # Errors
    ///
    /// [`ResolverConfig::problems`], name servers that cannot be found, and a system that names none.
    pub fn new(config: &ResolverConfig) -> Result<Self, ConfigError> {
        let mut problems = config.problems();
        let mut servers = Vec::new();
        if problems.is_empty() {
            for text in &config.servers {
                match name_servers(text) {
                    Ok(found) => servers.extend(found),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        asker(config, servers)
            .map(|asker| Self {
                asker,
                config: config.clone(),
            })
            .map_err(|error| ConfigError::new(vec![format!("no resolver defined: {error}")]))
    }

    /// What it was built from.
    pub fn config(&self) -> &ResolverConfig {
        &self.config
    }

    /// Asks for everything that a target stands for, within
    /// [`timeout`](ResolverConfig::timeout). Safe to drop at any time. Needs a Tokio runtime.
    pub async fn look(&self, target: &Target) -> Answer<Vec<Site>> {
        let looked = async {
            match target.service() {
                Some(service) => self.service(&service).await,
                None => self.host(target).await,
            }
        };
        if self.config.timeout.is_zero() {
            return looked.await;
        }
        let deadline = clock::after(clock::now(), self.config.timeout);
        tokio::time::timeout_at(deadline, looked)
            .await
            .unwrap_or(Answer::Failed(Failure::TimedOut))
    }

    async fn host(&self, target: &Target) -> Answer<Vec<Site>> {
        let Some(name) = self.name(target.host()) else {
            return Answer::Absent;
        };
        match self.addresses(name).await {
            Answer::Found { records, ttl } => Answer::Found {
                records: vec![Site {
                    host: target.host().to_owned(),
                    port: target.port(),
                    priority: 0,
                    weight: 1,
                    addresses: Answer::Found { records, ttl },
                }],
                ttl,
            },
            Answer::Absent => Answer::Absent,
            Answer::Failed(failure) => Answer::Failed(failure),
        }
    }

    async fn service(&self, service: &str) -> Answer<Vec<Site>> {
        let Some(name) = self.name(service) else {
            return Answer::Absent;
        };
        let srv = |data: &RData| match data {
            // RFC 2782: a target of "." says that there is no such service here.
            RData::SRV(srv) if !srv.target.is_root() => Some(srv.clone()),
            _ => None,
        };
        match self.records(name, RecordType::SRV, srv).await {
            Answer::Found { records, ttl } => {
                let sites = stream::iter(records).map(|srv| self.site(srv));
                Answer::Found {
                    records: sites.buffered(AT_ONCE).collect().await,
                    ttl,
                }
            }
            Answer::Absent => Answer::Absent,
            Answer::Failed(failure) => Answer::Failed(failure),
        }
    }

    async fn site(&self, srv: SRV) -> Site {
        let mut name = srv.target;
        name.set_fqdn(true);
        Site {
            host: name.to_utf8().trim_end_matches('.').to_owned(),
            port: srv.port,
            priority: srv.priority,
            weight: srv.weight,
            addresses: self.addresses(name).await,
        }
    }

    /// A and AAAA records, in this order. If either cannot be had, nobody knows whether an address
    /// that is missing is gone.
    async fn addresses(&self, name: Name) -> Answer<Vec<IpAddr>> {
        let ip = |data: &RData| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        };
        let of = |wanted: bool, kind: RecordType| {
            let name = name.clone();
            async move {
                match wanted {
                    true => self.records(name, kind, ip).await,
                    false => Answer::Absent,
                }
            }
        };
        let both = join(
            of(self.config.ipv4, RecordType::A),
            of(self.config.ipv6, RecordType::AAAA),
        );
        match both.await {
            (Answer::Failed(failure), _) | (_, Answer::Failed(failure)) => Answer::Failed(failure),
            (Answer::Absent, one) | (one, Answer::Absent) => one,
            (
                Answer::Found {
                    mut records,
                    ttl: a,
                },
                Answer::Found {
                    records: others,
                    ttl: b,
                },
            ) => {
                records.extend(others);
                Answer::Found {
                    records,
                    ttl: a.min(b),
                }
            }
        }
    }

    async fn records<T>(
        &self,
        name: Name,
        kind: RecordType,
        of_kind: impl Fn(&RData) -> Option<T>,
    ) -> Answer<Vec<T>> {
        let lookup = match self.asker.lookup(name, kind).await {
            Ok(lookup) => lookup,
            Err(error) => return nothing(error),
        };
        let answers = lookup.answers();
        let records: Vec<T> = answers.iter().filter_map(|r| of_kind(&r.data)).collect();
        match records.is_empty() {
            true => Answer::Absent,
            false => Answer::Found {
                records,
                ttl: shortest(answers),
            },
        }
    }

    /// Names are absolute, as in NGINX, unless the system's configuration says where to search. A
    /// text that cannot be a name is one that does not exist.
    fn name(&self, text: &str) -> Option<Name> {
        let mut name = Name::from_str_relaxed(text).ok()?;
        if !self.config.servers.is_empty() {
            name.set_fqdn(true);
        }
        Some(name)
    }
}

/// The lifetime of all records of an answer, aliases included.
fn shortest(answers: &[Record]) -> Duration {
    let ttl = answers.iter().map(|record| record.ttl).min();
    Duration::from_secs(ttl.unwrap_or_default().into())
}

/// What an error says of a name.
fn nothing<T>(error: NetError) -> Answer<T> {
    Answer::Failed(match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain | ResponseCode::NoError => return Answer::Absent,
            code => Failure::Code(code.into()),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Failure::Code(code.into()),
        NetError::Timeout => Failure::TimedOut,
        error => Failure::Other(error.to_string()),
    })
}

fn name_servers(text: &str) -> Result<Vec<SocketAddr>, String> {
    let told = |problem: &str| format!("{problem} in resolver \"{text}\"");
    let (host, port) = host_and_port(text).map_err(told)?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let found = (bare.unwrap_or(host), port.unwrap_or(53))
        .to_socket_addrs()
        .map_err(|_| told("host not found"))?;
    Ok(found.collect())
}

/// Tries that one look may take; each has its share of the time.
const TRIES: u32 = 3;

fn asker(config: &ResolverConfig, servers: Vec<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match servers.is_empty() {
        true => TokioResolver::builder_tokio()?,
        false => {
            let servers = servers.into_iter().map(name_server).collect();
            let servers = NameServers::from_name_servers(servers);
            let mut builder =
                TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
            let options = builder.options_mut();
            options.use_hosts_file = ResolveHosts::Never;
            if !config.timeout.is_zero() {
                options.timeout = config.timeout / TRIES;
            }
            options.attempts = TRIES as usize - 1;
            builder
        }
    };
    let options = builder.options_mut();
    options.cache_size = 0;
    options.preserve_intermediates = true;
    builder.build()
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut ways = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for way in &mut ways {
        way.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, ways)
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
