//! The accounts of limits: the workers share them, and they outlive a reload.

use tower_upstream::limit::rate::Zone;

use crate::config::{Config, RequestAccounts};

/// The zones of a configuration.
#[derive(Debug, Default)]
pub struct Zones {
    requests: Vec<(RequestAccounts, Zone)>,
}

impl Zones {
    /// Those of `config`. One that was there before, of the same size, keeps its accounts, and has to
    /// keep its key.
    pub fn of(config: &Config, before: Option<&Self>) -> Result<Self, String> {
        let known = before.map_or(&[][..], |before| &before.requests);
        let requests = config.request_zones.iter().map(|new| {
            let same = |old: &RequestAccounts| {
                (&old.zone.name, old.zone.bytes) == (&new.zone.name, new.zone.bytes)
            };
            let zone = match known.iter().find(|(old, _)| same(old)) {
                Some((old, _)) if old.key_text != new.key_text => {
                    return Err(format!(
                        "limit_req \"{}\" uses the \"{}\" key while previously it used the \"{}\" key",
                        new.zone.name, new.key_text, old.key_text
                    ));
                }
                Some((_, zone)) => zone.at_rate(new.zone.rate),
                None => Zone::with_bytes(&*new.zone.name, new.zone.rate, new.zone.bytes),
            };
            Ok((new.clone(), zone))
        });
        Ok(Self {
            requests: requests.collect::<Result<_, _>>()?,
        })
    }

    /// In the order of [`Config::request_zones`].
    pub fn requests(&self) -> Vec<Zone> {
        self.requests.iter().map(|(_, zone)| zone.clone()).collect()
    }
}
