use std::time::Duration;

use tower_upstream::nginx::values::{fill, invalid_value, number, time_ms};
use tower_upstream::nginx::{Directive, Problems, units};

/// Connections of clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Door {
    body_timeout: Option<Duration>,
    keepalive: Option<(Duration, Option<Duration>)>,
    keepalive_requests: Option<u64>,
}

impl Door {
    pub(crate) fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "client_body_timeout" => fill(&mut self.body_timeout, d, problems, time_ms),
            "keepalive_timeout" => self.keepalive_timeout(d, problems),
            "keepalive_requests" => fill(&mut self.keepalive_requests, d, problems, number),
            _ => return false,
        }
        true
    }

    /// `keepalive_timeout TIMEOUT [HEADER_TIMEOUT]`
    fn keepalive_timeout(&mut self, d: &Directive, problems: &mut Problems) {
        let header = d.args.get(1).map(|word| (word, units::time_s(&word.text)));
        if let Some((word, None)) = header {
            problems.push(&word.place, invalid_value(d));
        }
        let header = header.and_then(|(_, time)| time);
        fill(&mut self.keepalive, d, problems, |d| {
            Ok((time_ms(d)?, header))
        });
    }

    pub(crate) fn inherit(&mut self, outer: &Self) {
        self.body_timeout = self.body_timeout.or(outer.body_timeout);
        self.keepalive = self.keepalive.or(outer.keepalive);
        self.keepalive_requests = self.keepalive_requests.or(outer.keepalive_requests);
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        self.body_timeout.unwrap_or(Duration::from_secs(60))
    }

    pub(crate) fn keepalive(&self) -> (Duration, Option<Duration>) {
        self.keepalive.unwrap_or((Duration::from_secs(75), None))
    }

    pub(crate) fn keepalive_requests(&self) -> u64 {
        self.keepalive_requests.unwrap_or(1000)
    }
}
