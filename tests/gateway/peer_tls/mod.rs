//! Servers spoken to over TLS: with certificates made for the test, beside a real nginx that is given
//! the same file, and with a real nginx as the server.

mod connections;
mod differs;
mod http2;
mod real;
mod same;

use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_rustls::rustls::ServerConfig;

use super::certificates::Authority;
use super::secure::{self, Secure};

/// Where the servers of these tests run.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// A server that tells what it saw of its client's handshake.
fn server(config: ServerConfig) -> Secure {
    runtime().block_on(secure::server(config))
}

/// Two authorities that do not know each other, and their files.
struct Files {
    directory: TempDir,
    ours: Authority,
    theirs: Authority,
}

impl Files {
    fn new() -> Self {
        // rustls wants to know which cryptography; the test is a process as well.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().expect("a directory");
        let (ours, theirs) = (Authority::new(), Authority::new());
        ours.write(&directory.path().join("ours.pem"));
        theirs.write(&directory.path().join("theirs.pem"));
        ours.write_for("client.test", directory.path());
        theirs.write_for("stranger.test", directory.path());
        Self {
            directory,
            ours,
            theirs,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// `@DIR` in a configuration is where the files are.
    fn fill(&self, http: &str) -> String {
        http.replace("@DIR", &self.path().display().to_string())
    }
}
