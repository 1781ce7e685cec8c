//! Ways to a group by the name its servers are asked for, which follows the request
//! (`proxy_ssl_name $host`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tower_upstream::connect::Tls;
use tower_upstream::{ConfigError, Group, Proxy, Upstream};

/// Names whose connections are kept; clients choose them, and with more all are forgotten.
const MOST: usize = 256;

/// The ways of one place.
#[derive(Debug)]
pub struct ByName {
    group: Group,
    proxy: Proxy,
    tls: Tls,
    ways: Mutex<HashMap<String, Upstream>>,
}

impl ByName {
    /// Ways to `group` over `tls`, whatever the name.
    pub fn new(group: Group, proxy: Proxy, tls: Tls) -> Self {
        Self {
            group,
            proxy,
            tls,
            ways: Mutex::default(),
        }
    }

    /// The way for this name. Idle connections serve those who ask for the same name alone.
    pub fn way(&self, name: &str) -> Result<Upstream, ConfigError> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.get(name) {
            return Ok(way.clone());
        }
        let tls = self.tls.clone().name(name)?;
        if ways.len() >= MOST {
            ways.clear();
        }
        let way = Upstream::over_tls(self.group.clone(), self.proxy.clone(), tls);
        ways.insert(name.to_owned(), way.clone());
        Ok(way)
    }
}
