//! A group under checks, and what is heard of it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_upstream::health::{Change, Checks};
use tower_upstream::{Group, GroupConfig, HealthCheck, Proxy, Server, Upstream};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Quick looks, so that a real clock need not be waited for.
pub(crate) fn quick(check: HealthCheck) -> HealthCheck {
    check.interval(ms(20)).unsure(ms(10)).timeout(ms(5000))
}

pub(crate) fn group(servers: impl IntoIterator<Item = String>) -> Group {
    let mut config = GroupConfig::new("orders");
    config.servers = servers.into_iter().map(Server::new).collect();
    Group::new(config).unwrap()
}

/// Checks that run, and the changes they tell of.
pub(crate) struct World {
    pub(crate) group: Group,
    changes: UnboundedReceiver<Change>,
    pub(crate) running: JoinHandle<()>,
}

impl World {
    /// Checks every one of these addresses.
    pub(crate) fn checked(addresses: &[&str], check: HealthCheck) -> Self {
        let group = group(addresses.iter().map(ToString::to_string));
        let checks = Checks::new(&group, check).unwrap();
        Self::run(group, checks)
    }

    pub(crate) fn run(group: Group, checks: Checks) -> Self {
        let (tell, changes) = unbounded_channel();
        let checks = checks.report(move |change| {
            let _ = tell.send(change.clone());
        });
        Self {
            group,
            changes,
            running: tokio::spawn(checks.run()),
        }
    }

    /// The next change, as a log might show it.
    pub(crate) async fn change(&mut self) -> String {
        let change = timeout(PATIENCE, self.changes.recv()).await;
        let change = change.expect("a change").expect("checks that run");
        match change.failure {
            Some(failure) => format!("{} down: {failure}", change.address),
            None if change.healthy => format!("{} up", change.address),
            None => format!("{} down", change.address),
        }
    }

    /// Changes that were told and not yet heard.
    pub(crate) fn unheard(&mut self) -> usize {
        std::iter::from_fn(|| self.changes.try_recv().ok()).count()
    }

    /// What checks say of each server.
    pub(crate) fn verdicts(&self) -> Vec<Option<bool>> {
        verdicts(&self.group)
    }

    /// The first verdict on a healthy server is no change; it is waited for here.
    pub(crate) async fn known(&self) {
        until(|| !self.verdicts().contains(&None)).await;
    }

    pub(crate) fn upstream(&self) -> Upstream {
        Upstream::new(self.group.clone(), Proxy::default())
    }
}

/// Waits until it is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(ms(1)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it to be so");
}

pub(crate) fn verdicts(group: &Group) -> Vec<Option<bool>> {
    let peers = group.snapshot().into_iter();
    peers.map(|peer| peer.state.healthy).collect()
}

/// The status a request gets.
pub(crate) async fn status(orders: &Upstream) -> u16 {
    let request = ::http::Request::get("/orders");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    match orders.send(request).await {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.status().as_u16(),
    }
}
