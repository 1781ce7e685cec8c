//! The workers of one configuration: threads, each with a runtime of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tower_upstream::upstream::Succession;
use tower_upstream::{ConfigError, Group, GroupConfig};

use crate::checks;
use crate::log::error::Log;
use crate::names::Names;
use crate::plan::Plan;
use crate::serve;
use crate::sockets::{Door, Sockets};
use crate::worker::Worker;
use crate::zones::Zones;

/// What workers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Serve.
    Serve,
    /// Finish what you have.
    Finish,
    /// Stop at once.
    Stop,
}

/// The workers of one configuration.
#[derive(Debug)]
pub struct Crew {
    orders: watch::Sender<Order>,
    /// In the order of [`Config::groups`](crate::config::Config::groups).
    groups: Vec<Group>,
    /// For those who come after them.
    zones: Zones,
    names: Names,
    threads: Vec<JoinHandle<()>>,
    /// Workers that have not gone.
    present: Arc<AtomicUsize>,
}

/// The groups of a configuration, some of which go on from the one before.
struct Next(Vec<Succession>);

impl Next {
    fn of(configs: &[GroupConfig], before: Option<&Crew>) -> Result<Self, ConfigError> {
        let before = before.map_or(&[][..], |crew| &crew.groups);
        let next = configs.iter().map(|config| {
            let same = |group: &&Group| group.name().eq_ignore_ascii_case(&config.name);
            match before.iter().find(same) {
                Some(group) => group.reconfigured(config.clone()),
                None => Group::new(config.clone()).map(Succession::from),
            }
        });
        next.collect::<Result<_, _>>().map(Self)
    }

    fn groups(&self) -> Vec<Group> {
        self.0.iter().map(|next| next.group().clone()).collect()
    }

    fn apply(self) {
        for next in self.0 {
            next.apply();
        }
    }
}

/// A worker's presence; when it is dropped, the worker has gone, be it by a panic.
struct Present {
    others: Arc<AtomicUsize>,
    done: mpsc::UnboundedSender<()>,
}

impl Drop for Present {
    fn drop(&mut self) {
        // Counted before it is told: a thread that has said so may take its time to end.
        self.others.fetch_sub(1, Ordering::Release);
        // Whoever listened may have gone first.
        let _ = self.done.send(());
    }
}

impl Crew {
    /// Starts them, behind a crew that is to go. `done` hears when one has gone.
    pub fn start(
        plan: Arc<Plan>,
        before: Option<&Self>,
        sockets: &Sockets,
        errors: &[Log],
        done: &mpsc::UnboundedSender<()>,
    ) -> Result<Self, String> {
        let next = Next::of(&plan.config.groups, before).map_err(|e| e.to_string())?;
        let groups = next.groups();
        let zones = Zones::of(&plan.config, before.map(|crew| &crew.zones))?;
        let followers = Names::of(&groups).map_err(|e| e.to_string())?;
        let mut ready = Vec::new();
        for _ in 0..plan.config.workers {
            let worker = Worker::new(Arc::clone(&plan), &groups, &zones, errors.to_vec())
                .map_err(|(path, error)| open_failed(&path, &error))?;
            let doors = sockets
                .doors(&plan.config.listens)
                .map_err(|e| e.to_string())?;
            ready.push((worker, doors));
        }
        // Before the first request: until its check a server may be no server.
        let checks = checks::of(&groups, &plan, &errors[0]);
        let (orders, heard) = watch::channel(Order::Serve);
        let mut threads = Vec::new();
        let present = Arc::new(AtomicUsize::new(ready.len()));
        for (worker, doors) in ready {
            let heard = heard.clone();
            let this = Present {
                others: Arc::clone(&present),
                done: done.clone(),
            };
            let thread = thread::Builder::new().name("worker".into()).spawn(move || {
                let _this = this;
                run(worker, doors, heard);
            });
            threads.push(thread.map_err(|e| format!("a worker could not be started ({e})"))?);
        }
        // Nothing can fail any more.
        if let Some(before) = before {
            before.names.end();
        }
        next.apply();
        for checks in checks {
            tokio::spawn(checks.run());
        }
        Ok(Self {
            orders,
            groups,
            zones,
            names: Names::follow(followers, &errors[0]),
            threads,
            present,
        })
    }

    /// Tells all of them.
    pub fn order(&self, order: Order) {
        self.orders.send_replace(order);
    }

    /// Whether all have gone.
    pub fn is_gone(&self) -> bool {
        self.present.load(Ordering::Acquire) == 0
    }

    /// Waits until all have gone.
    pub fn join(self) {
        for thread in self.threads {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }
}

/// What is said of a log that cannot be opened.
pub fn open_failed(path: &Path, error: &std::io::Error) -> String {
    format!("open() \"{}\" failed ({error})", path.display())
}

fn run(worker: Worker, doors: Vec<Door>, orders: watch::Receiver<Order>) {
    let worker = Arc::new(worker);
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format_args!("no runtime for a worker ({error})");
            return worker.errors[0].write(crate::config::Level::Emerg, message);
        }
    };
    runtime.block_on(serve(Arc::clone(&worker), doors, orders));
    // Requests still running are logged as they are dropped.
    drop(runtime);
    for file in &worker.files {
        file.flush();
    }
}

async fn serve(worker: Arc<Worker>, doors: Vec<Door>, mut orders: watch::Receiver<Order>) {
    let accepting: Vec<_> = doors
        .into_iter()
        .map(|door| tokio::spawn(serve::accept(door, Arc::clone(&worker))))
        .collect();
    let lines = Arc::clone(&worker);
    tokio::spawn(async move { lines.write_lines().await });
    let told = orders.wait_for(|order| *order != Order::Serve).await;
    // Nobody left to give orders is an order to stop.
    if told.map_or(Order::Stop, |order| *order) == Order::Stop {
        return;
    }
    for accept in accepting {
        accept.abort();
        // Connections it has just taken in are counted before we look.
        let _ = accept.await;
    }
    worker.leave();
    let gone = async {
        while worker.connections.load(Ordering::Relaxed) > 0 {
            worker.ended.notified().await;
        }
    };
    let late = async {
        match worker.plan.config.shutdown_timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = gone => {}
        () = late => {}
        _ = orders.wait_for(|order| *order == Order::Stop) => {}
    }
}
