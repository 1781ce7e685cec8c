//! A server process under test: its directory, its front door, its end.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

/// How long a server may take to listen or to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; killed when dropped, and its directory removed.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    directory: PathBuf,
}

impl Process {
    /// Starts `command` (which runs in `directory`) and waits until it listens on `front`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        directory: PathBuf,
        front: SocketAddr,
    ) -> Self {
        let output = fs::File::create(directory.join("output.log")).expect("a log file");
        let child = command
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|why| panic!("cannot start {name}: {why}"));
        let mut process = Self {
            name,
            child,
            directory,
        };
        let start = Instant::now();
        while TcpStream::connect(front).is_err() {
            let gone = process.child.try_wait().expect("a child to ask");
            if gone.is_some() || start.elapsed() > PATIENCE {
                panic!(
                    "{name} does not listen on {front}: {gone:?}\n{}",
                    process.logs()
                );
            }
            sleep(Duration::from_millis(10));
        }
        process
    }

    /// Asks it to stop, and waits until it has: its logs are then complete.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        self.wait();
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let told = Command::new("sh").args(["-c", &kill]).status();
        assert!(
            told.is_ok_and(|status| status.success()),
            "cannot signal {}",
            self.name
        );
    }

    /// Waits until it has stopped.
    pub(crate) fn wait(&mut self) {
        let start = Instant::now();
        while self.child.try_wait().expect("a child to ask").is_none() {
            assert!(start.elapsed() < PATIENCE, "{} does not stop", self.name);
            sleep(Duration::from_millis(10));
        }
    }

    /// A file the server wrote.
    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    /// Where a file of the server is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    fn logs(&self) -> String {
        format!("{}{}", self.read("output.log"), self.read("error.log"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first: a master that is killed leaves its workers behind.
        // Once it has been waited for, its number may be somebody else's.
        if matches!(self.child.try_wait(), Ok(None)) {
            let term = format!("kill -TERM {}", self.child.id());
            let asked = Command::new("sh").args(["-c", &term]).status();
            let start = Instant::now();
            while asked.is_ok()
                && matches!(self.child.try_wait(), Ok(None))
                && start.elapsed() < PATIENCE / 5
            {
                sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A new empty directory for one server.
pub(crate) fn directory(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("parity-{}-{count}-{name}", std::process::id()));
    fs::create_dir_all(&path)
        .unwrap_or_else(|why| panic!("cannot create {}: {why}", path.display()));
    path
}

/// Writes a configuration file and returns its path.
pub(crate) fn configuration(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("test.conf");
    fs::write(&path, text).expect("a configuration file");
    path
}
