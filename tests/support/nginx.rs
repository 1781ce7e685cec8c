//! Launches a real nginx.

use std::env;
use std::net::SocketAddr;
use std::process::Command;

use super::process::{self, Process};

/// Only for nginx: its temporary files stay in its own directory.
const SCRATCH: &str = "client_body_temp_path scratch; proxy_temp_path scratch; \
    fastcgi_temp_path scratch; uwsgi_temp_path scratch; scgi_temp_path scratch;";

/// Starts nginx as a single process on the contents of an `http` block.
///
/// # Panics
///
/// When there is no nginx to start.
pub(crate) fn start(http: &str, front: SocketAddr) -> Process {
    launch(http, front, "master_process off;")
}

/// Starts nginx with a master and one worker, for what it does not do as a single process.
///
/// # Panics
///
/// When there is no nginx to start.
#[allow(dead_code, reason = "not every test reloads")]
pub(crate) fn start_with_master(http: &str, front: SocketAddr) -> Process {
    launch(http, front, "worker_processes 1;")
}

fn launch(http: &str, front: SocketAddr, processes: &str) -> Process {
    let program = env::var("NGINX_BIN").unwrap_or_else(|_| "nginx".to_owned());
    let found = Command::new(&program).arg("-v").output();
    assert!(
        found.is_ok(),
        "\"{program}\" is no nginx that runs: install nginx (Debian: apt-get install nginx-light) \
         or name one in NGINX_BIN"
    );
    let directory = process::directory("nginx");
    let text = format!(
        "user root;\ndaemon off;\n{processes}\npid nginx.pid;\nerror_log error.log info;\n\
         events {{ worker_connections 4096; }}\nhttp {{\n{SCRATCH}\n{http}}}\n"
    );
    let file = process::configuration(&directory, &text);
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(&directory)
        .arg("-c")
        .arg(file)
        .args(["-e", "error.log"]);
    Process::start("nginx", command, directory, front)
}
