//! A network of the test's own: this process in one namespace, the faulty server in another, a cable
//! between them.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the faulty server listens.
pub(crate) const FAULTY: &str = "10.99.0.2:8002";

/// Runs this program again in a fresh network namespace. True when all was well there.
pub(crate) fn run_inside(fault: &str) -> bool {
    let script = "PATH=$PATH:/usr/sbin:/sbin; export PATH; ip link set lo up && exec \"$0\" \"$@\"";
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", script])
        .arg(std::env::current_exe().expect("this program"))
        .args(["inside", fault])
        .status()
        .expect("this needs `unshare` (util-linux)");
    status.success()
}

/// A server; it ends with its standard input.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    pub(crate) fn near(address: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        Self::start(command.args(["backend", address]))
    }

    /// At the other end of a cable.
    pub(crate) fn far(address: &str) -> Self {
        let mut command = Command::new("unshare");
        command
            .arg("--net")
            .arg(std::env::current_exe().expect("this program"));
        let server = Self::start(command.args(["backend", address]));
        let pid = server.child.id();
        let own = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
        for _ in 0..1000 {
            let its = std::fs::read_link(format!("/proc/{pid}/ns/net"));
            if its.is_ok_and(|its| its != own) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        shell(&format!(
            "ip link add here type veth peer name there && ip link set there netns {pid} \
             && ip addr add 10.99.0.1/24 dev here && ip link set here up \
             && nsenter -t {pid} -n sh -c 'ip link set lo up && ip addr add 10.99.0.2/24 dev there \
             && ip link set there up'"
        ));
        server
    }

    fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).spawn();
        Self {
            child: child.expect("a server of the test's own"),
        }
    }

    pub(crate) fn tell(&mut self, word: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was piped");
        writeln!(stdin, "{word}").expect("it listens");
    }

    pub(crate) fn stop(&self) {
        shell(&format!("kill -STOP {}", self.child.id()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From now on what is sent to the far server gets lost, without so much as a reset.
pub(crate) fn lose_packets() {
    shell("ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:99 dev here nud permanent");
}

fn shell(script: &str) {
    let status = Command::new("sh").args(["-c", script]).status();
    assert!(status.is_ok_and(|status| status.success()), "{script}");
}
