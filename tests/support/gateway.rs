//! Builds and launches our gateway.

use std::net::SocketAddr;
use std::process::Command;

use super::process::{self, Process};
use super::program::program;

/// Starts the gateway with one worker on the contents of an `http` block.
pub(crate) fn start(http: &str, front: SocketAddr) -> Process {
    let directory = process::directory("gateway");
    let text = format!(
        "worker_processes 1;\npid gateway.pid;\nerror_log error.log info;\n\
         events {{ worker_connections 16384; }}\nhttp {{\n{http}}}\n"
    );
    let file = process::configuration(&directory, &text);
    let mut command = Command::new(program());
    command
        .arg("-p")
        .arg(&directory)
        .arg("-c")
        .arg(file)
        .args(["-e", "error.log"]);
    Process::start("gateway", command, directory, front)
}
