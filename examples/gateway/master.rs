//! Signals, and the change from one configuration to the next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::arguments::Arguments;
use crate::config::{Config, ErrorLog, Level, Listen};
use crate::log::error::Log;
use crate::plan::Plan;
use crate::sockets::Sockets;
use crate::tls::Stores;
use crate::workers::{Crew, Order, open_failed};

/// A configuration being served, and those before it that still finish what they have.
struct Master {
    arguments: Arguments,
    sockets: Sockets,
    crew: Crew,
    /// What the crew listens on.
    listens: Vec<Listen>,
    earlier: Vec<Crew>,
    log: Log,
    pid: Option<PathBuf>,
    /// TLS sessions, which outlive reloads.
    stores: Stores,
    done: mpsc::UnboundedSender<()>,
}

/// Serves `config` until told to stop.
pub fn run(arguments: Arguments, config: Config, stores: Stores) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime ({error})"))?;
    runtime.block_on(async {
        let (done, finished) = mpsc::unbounded_channel();
        let signals = Signals::new().map_err(|error| format!("signals failed ({error})"))?;
        let mut sockets = Sockets::default();
        let (plan, logs) = ready(&arguments, config)?;
        sockets.open(&plan.config.listens, &arguments.prefix)?;
        let pid = plan
            .config
            .pid
            .as_ref()
            .map(|path| arguments.prefix.join(path));
        if let Some(path) = &pid {
            write_pid(path)?;
        }
        let listens = plan.config.listens.clone();
        let crew = Crew::start(plan, None, &sockets, &logs, &done)?;
        let master = Master {
            arguments,
            sockets,
            crew,
            listens,
            earlier: Vec::new(),
            log: logs[0].clone(),
            pid,
            stores,
            done,
        };
        master.serve(signals, finished).await;
        Ok(())
    })
}

/// Makes a configuration ready to serve, logs and all: the main log, then one per place.
fn ready(arguments: &Arguments, config: Config) -> Result<(Arc<Plan>, Vec<Log>), String> {
    let prefix = &arguments.prefix;
    let open =
        |log: &ErrorLog| Log::open(log, prefix).map_err(|(path, error)| open_failed(&path, &error));
    let main = match (&config.error_log, &arguments.error_log) {
        (Some(log), _) => open(log)?,
        (None, Some(log)) => open(log)?,
        (None, None) => Log::stderr(),
    };
    let plan = Plan::new(config, prefix)?;
    let mut logs = vec![main.clone()];
    for place in &plan.places {
        logs.push(match &place.location.error_log {
            Some(log) => open(log)?,
            None => main.clone(),
        });
    }
    for file in &plan.files {
        // NGINX's default is a directory that need not be there.
        if let Some(parent) = file.parent().filter(|parent| parent.starts_with(prefix)) {
            let made = std::fs::create_dir_all(parent);
            made.map_err(|error| open_failed(parent, &error))?;
        }
    }
    Ok((Arc::new(plan), logs))
}

impl Master {
    async fn serve(mut self, mut signals: Signals, mut finished: mpsc::UnboundedReceiver<()>) {
        let mut leaving = false;
        loop {
            tokio::select! {
                told = signals.next() => match told {
                    Told::Stop => break,
                    Told::Finish => {
                        leaving = true;
                        self.crew.order(Order::Finish);
                        self.sockets.unlink();
                        self.sockets = Sockets::default();
                    }
                    Told::Reload if !leaving => self.reload(),
                    Told::Reload => {}
                    Told::Reopen => self.log.write(
                        Level::Warn,
                        format_args!("signal 10 (SIGUSR1) received, only SIGHUP reopens logs"),
                    ),
                },
                _ = finished.recv() => self.earlier.retain(|crew| !crew.is_gone()),
            }
            if leaving && self.crew.is_gone() && self.earlier.iter().all(Crew::is_gone) {
                break;
            }
        }
        for crew in self.earlier.into_iter().chain([self.crew]) {
            crew.order(Order::Stop);
            crew.join();
        }
        self.sockets.unlink();
        if let Some(path) = &self.pid {
            // It may have been removed already.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Reads the file again; what is wrong with it is logged and nothing changes.
    fn reload(&mut self) {
        self.log.write(
            Level::Notice,
            format_args!("signal 1 (SIGHUP) received, reconfiguring"),
        );
        if let Err(problem) = self.try_reload() {
            self.log.write(Level::Emerg, format_args!("{problem}"));
        }
    }

    fn try_reload(&mut self) -> Result<(), String> {
        let (config, problems) = crate::read::read(&self.arguments.file, &self.stores);
        for problem in problems.iter() {
            let level = match problem.severity {
                tower_upstream::nginx::Severity::Warn => Level::Warn,
                tower_upstream::nginx::Severity::Emerg => Level::Emerg,
            };
            let message = format_args!("{} in {}", problem.message, problem.place);
            self.log.write(level, message);
        }
        let Some(config) = config.filter(|_| !problems.has_errors()) else {
            let file = self.arguments.file.display();
            return Err(format!(
                "configuration file {file} refused, the old one stays"
            ));
        };
        let (plan, logs) = ready(&self.arguments, config)?;
        let listens = plan.config.listens.clone();
        let pid = plan
            .config
            .pid
            .as_ref()
            .map(|path| self.arguments.prefix.join(path));
        self.sockets.open(&listens, &self.arguments.prefix)?;
        let before = Some(&self.crew);
        let crew = Crew::start(plan, before, &self.sockets, &logs, &self.done);
        let crew = crew.inspect_err(|_| {
            // Nobody would answer at the new ones.
            self.sockets.keep_only(&self.listens);
        })?;
        if pid != self.pid {
            self.move_pid(pid)?;
        }
        let before = std::mem::replace(&mut self.crew, crew);
        before.order(Order::Finish);
        self.earlier.push(before);
        self.sockets.keep_only(&listens);
        self.listens = listens;
        self.log = logs[0].clone();
        Ok(())
    }

    fn move_pid(&mut self, pid: Option<PathBuf>) -> Result<(), String> {
        if let Some(path) = &pid {
            write_pid(path)?;
        }
        if let Some(path) = std::mem::replace(&mut self.pid, pid) {
            // It may have been removed already.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }
}

fn write_pid(path: &Path) -> Result<(), String> {
    let written = std::fs::write(path, format!("{}\n", std::process::id()));
    written.map_err(|error| open_failed(path, &error))
}

/// What a signal means.
enum Told {
    Stop,
    Finish,
    Reload,
    /// Not served, but whoever rotates logs must not end the process with it.
    Reopen,
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    user_1: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.quit.recv() => Told::Finish,
            _ = self.hangup.recv() => Told::Reload,
            _ = self.user_1.recv() => Told::Reopen,
        }
    }
}
