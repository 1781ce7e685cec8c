//! What one worker has for itself: its way to every group, its logs, its count of connections.

use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tower_upstream::limit::{bulkhead, rate};
use tower_upstream::{Group, RequestBuffering, Upstream};

use crate::by_name::ByName;
use crate::client::GRACE;
use crate::forward::MOST_HELD;
use crate::log::{File, error};
use crate::plan::Plan;
use crate::zones::Zones;

/// One worker's state.
#[derive(Debug)]
pub struct Worker {
    /// What all workers share.
    pub plan: Arc<Plan>,
    /// Per place with a `proxy_pass`.
    pub upstreams: Vec<Option<Upstream>>,
    /// Those whose way also depends on a name that follows the request.
    pub by_name: HashMap<usize, ByName>,
    /// As the configuration's `request_zones`.
    pub request_zones: Vec<rate::Zone>,
    /// As the configuration's `connection_zones`.
    pub connection_zones: Vec<bulkhead::Zone>,
    /// Access logs, as [`Plan::files`].
    pub files: Vec<File>,
    /// Told when lines wait in `files`.
    pub lines_waiting: Arc<Notify>,
    /// The main error log, then one per place that has its own.
    pub errors: Vec<error::Log>,
    /// Told when the worker is to go.
    pub leave: Notify,
    /// The worker is to go.
    pub leaving: AtomicBool,
    /// Connections open.
    pub connections: AtomicUsize,
    /// Told when a connection ends.
    pub ended: Notify,
}

impl Worker {
    /// A worker with its own view of `groups`, its own hold on the logs, and everybody's `zones`.
    pub fn new(
        plan: Arc<Plan>,
        groups: &[Group],
        zones: &Zones,
        errors: Vec<error::Log>,
    ) -> Result<Self, (std::path::PathBuf, std::io::Error)> {
        let groups: Vec<Group> = groups.iter().map(Group::worker).collect();
        let mut by_name = HashMap::new();
        let upstreams = plan.places.iter().enumerate().map(|(index, place)| {
            let forward = place.forward.as_ref()?;
            let group = groups.get(forward.pass.group)?;
            let mut proxy = forward.pass.proxy.clone();
            if let RequestBuffering::On { max } = &mut proxy.request_buffering {
                if place.location.client_max_body_size == 0 {
                    *max = MOST_HELD;
                }
            }
            let group = group.clone();
            if let (Some(tls), Some(_)) = (&forward.pass.tls, &forward.pass.tls_name) {
                let ways = ByName::new(group.clone(), proxy.clone(), tls.clone());
                by_name.insert(index, ways);
            }
            Some(match &forward.pass.tls {
                None => Upstream::new(group, proxy),
                Some(tls) => Upstream::over_tls(group, proxy, tls.clone()),
            })
        });
        let upstreams = upstreams.collect();
        let lines_waiting = Arc::new(Notify::new());
        let open = |path: &std::path::PathBuf| {
            File::open(Path::new(path), Arc::clone(&lines_waiting)).map_err(|e| (path.clone(), e))
        };
        Ok(Self {
            upstreams,
            by_name,
            request_zones: zones.requests(),
            connection_zones: zones.connections(),
            files: plan.files.iter().map(open).collect::<Result<_, _>>()?,
            plan,
            lines_waiting,
            errors,
            leave: Notify::new(),
            leaving: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            ended: Notify::new(),
        })
    }

    /// The error log that holds at a place.
    pub fn error_log(&self, place: usize) -> &error::Log {
        self.errors.get(place + 1).unwrap_or(&self.errors[0])
    }

    /// How long the head of a request may take on a listening address, before its server is known.
    pub fn header_timeout(&self, listen: usize) -> Duration {
        self.default_server(listen).client_header_timeout
    }

    /// The longest line a head may have there.
    pub fn line_limit(&self, listen: usize) -> usize {
        let server = self.default_server(listen);
        let (_, size) = server.large_client_header_buffers;
        size.max(server.client_header_buffer_size)
    }

    /// The largest head there.
    pub fn head_limit(&self, listen: usize) -> usize {
        let server = self.default_server(listen);
        let (number, size) = server.large_client_header_buffers;
        let large = number.saturating_mul(size);
        server.client_header_buffer_size.saturating_add(large)
    }

    /// Whether clients may speak HTTP/2 on a listening address.
    pub fn speaks_http2(&self, listen: usize) -> bool {
        self.plan.config.listens[listen].http2 || self.default_server(listen).http2
    }

    fn default_server(&self, listen: usize) -> &crate::config::Server {
        &self.plan.config.servers[self.plan.names[listen].default()]
    }

    /// Begins the end: no new connections, no idle ones.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.leave.notify_waiters();
    }

    /// Waits until the worker is to go, and for a client that does not know to say what it wants.
    pub async fn left(&self) {
        let mut told = pin!(self.leave.notified());
        // From now on it is heard.
        told.as_mut().enable();
        if !self.leaving.load(Ordering::Relaxed) {
            told.await;
        }
        tokio::time::sleep(GRACE).await;
    }

    /// Writes log lines as they gather, until dropped.
    pub async fn write_lines(&self) {
        loop {
            self.lines_waiting.notified().await;
            // Whoever is ready now may have a line to add.
            tokio::task::yield_now().await;
            for file in &self.files {
                file.flush();
            }
        }
    }
}
