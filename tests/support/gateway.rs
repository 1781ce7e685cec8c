//! Builds and launches our gateway.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::process::{self, Process};

/// Starts the gateway with one worker on the contents of an `http` block.
pub(crate) fn start(http: &str, front: SocketAddr) -> Process {
    let directory = process::directory("gateway");
    let text = format!(
        "worker_processes 1;\npid gateway.pid;\nerror_log error.log info;\n\
         events {{ worker_connections 4096; }}\nhttp {{\n{http}}}\n"
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

/// The example's binary, built once in the profile of this test.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args([
            "build",
            "--quiet",
            "--example",
            "gateway",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.status().expect("cargo to run");
        assert!(built.success(), "the gateway does not build");
        let test = env::current_exe().expect("the path of this test");
        let profile = test
            .parent()
            .and_then(|deps| deps.parent())
            .expect("target/PROFILE/deps");
        profile.join("examples").join("gateway")
    })
}
