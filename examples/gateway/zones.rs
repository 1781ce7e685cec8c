//! The accounts of limits: the workers share them, and they outlive a reload.

use tower_upstream::limit::{bulkhead, rate};

use crate::config::{Config, ConnectionCounts, RequestAccounts};

/// The zones of a configuration.
#[derive(Debug, Default)]
pub struct Zones {
    requests: Vec<(RequestAccounts, rate::Zone)>,
    connections: Vec<(ConnectionCounts, bulkhead::Zone)>,
}

/// What tells zones apart.
struct Identity<'a> {
    kind: &'static str,
    name: &'a str,
    bytes: u64,
    key: &'a str,
}

impl Identity<'_> {
    /// Whether this is `old` under a new configuration: a zone of the same name and size, which has to
    /// keep its key.
    fn continues(&self, old: &Self) -> Result<bool, String> {
        if (self.name, self.bytes) != (old.name, old.bytes) {
            return Ok(false);
        }
        if self.key == old.key {
            return Ok(true);
        }
        Err(format!(
            "{} \"{}\" uses the \"{}\" key while previously it used the \"{}\" key",
            self.kind, self.name, self.key, old.key
        ))
    }
}

fn of_requests(accounts: &RequestAccounts) -> Identity<'_> {
    Identity {
        kind: "limit_req",
        name: &accounts.zone.name,
        bytes: accounts.zone.bytes,
        key: &accounts.key_text,
    }
}

fn of_connections(counts: &ConnectionCounts) -> Identity<'_> {
    Identity {
        kind: "limit_conn_zone",
        name: &counts.zone.name,
        bytes: counts.zone.bytes,
        key: &counts.key_text,
    }
}

/// Each of `new` with its zone: what `known` has of it, or none.
fn with_known<'a, T, Z>(
    new: &'a [T],
    known: &'a [(T, Z)],
    identity: fn(&T) -> Identity<'_>,
) -> Result<Vec<(&'a T, Option<&'a Z>)>, String> {
    let found = new.iter().map(|new| {
        for (old, zone) in known {
            if identity(new).continues(&identity(old))? {
                return Ok((new, Some(zone)));
            }
        }
        Ok((new, None))
    });
    found.collect()
}

impl Zones {
    /// Those of `config`. One that was there before, of the same size, keeps its accounts, and has to
    /// keep its key.
    pub fn of(config: &Config, before: Option<&Self>) -> Result<Self, String> {
        let requests = before.map_or(&[][..], |before| &before.requests);
        let requests = with_known(&config.request_zones, requests, of_requests)?;
        let connections = before.map_or(&[][..], |before| &before.connections);
        let connections = with_known(&config.connection_zones, connections, of_connections)?;
        let request = |(new, known): (&RequestAccounts, Option<&rate::Zone>)| {
            let zone = match known {
                Some(zone) => zone.at_rate(new.zone.rate),
                None => rate::Zone::with_bytes(&*new.zone.name, new.zone.rate, new.zone.bytes),
            };
            (new.clone(), zone)
        };
        let connection = |(new, known): (&ConnectionCounts, Option<&bulkhead::Zone>)| {
            let zone = known.cloned();
            let zone = zone.unwrap_or_else(|| bulkhead::Zone::with_bytes(new.zone.bytes));
            (new.clone(), zone)
        };
        Ok(Self {
            requests: requests.into_iter().map(request).collect(),
            connections: connections.into_iter().map(connection).collect(),
        })
    }

    /// In the order of [`Config::request_zones`].
    pub fn requests(&self) -> Vec<rate::Zone> {
        self.requests.iter().map(|(_, zone)| zone.clone()).collect()
    }

    /// In the order of [`Config::connection_zones`].
    pub fn connections(&self) -> Vec<bulkhead::Zone> {
        let zones = self.connections.iter();
        zones.map(|(_, zone)| zone.clone()).collect()
    }
}
