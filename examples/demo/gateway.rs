use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Result;
use crate::service::Service;

/// How long a failed server is left alone: what the configuration below says.
pub(crate) const FAIL_TIMEOUT: &str = "4s";

/// The gateway example as a process of its own.
pub(crate) struct Gateway {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) configuration: String,
    // Its configuration and logs; gone with it.
    directory: TempDir,
}

impl Gateway {
    pub(crate) fn start(services: &[Service]) -> Result<Self> {
        let program = program()?;
        // Freed for the gateway to take.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let configuration = configuration(address, services);
        let directory = tempfile::tempdir()?;
        let main = format!(
            "worker_processes 1;\npid gateway.pid;\nevents {{ worker_connections 1024; }}\n\
             http {{\naccess_log off;\n{configuration}}}\n"
        );
        fs::write(directory.path().join("nginx.conf"), main)?;
        let process = Command::new(program)
            .arg("-p")
            .arg(directory.path())
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .spawn()?;
        let mut gateway = Self {
            process,
            address,
            configuration,
            directory,
        };
        gateway.wait_until_it_listens()?;
        Ok(gateway)
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the gateway ended with {status}\n{}", self.log()).into());
            }
            if begun.elapsed() > Duration::from_secs(5) {
                return Err(format!("the gateway does not listen\n{}", self.log()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What it has to say for itself.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The block people move into the process, in front of these services.
fn configuration(address: SocketAddr, services: &[Service]) -> String {
    let mut text = String::from("upstream order_service {\n");
    for service in services {
        let address = service.address;
        let _ = writeln!(
            text,
            "    server {address} max_fails=3 fail_timeout={FAIL_TIMEOUT};"
        );
    }
    let _ = write!(
        text,
        "    keepalive 32;
}}
server {{
    listen {address};
    server_name api.example.no;
    location /orders {{
        proxy_pass http://order_service;
        proxy_http_version 1.1;
        proxy_set_header Connection \"\";
        proxy_set_header X-Real-IP $remote_addr;
        proxy_connect_timeout 2s;
        proxy_read_timeout 5s;
        proxy_next_upstream error timeout http_500;
    }}
}}
"
    );
    text
}

/// The gateway beside this program, built first if cargo is at hand.
fn program() -> Result<PathBuf> {
    let me = env::current_exe()?;
    let examples = me.parent().ok_or("this program is nowhere")?;
    let program = examples.join(format!("gateway{}", env::consts::EXE_SUFFIX));
    if let Some(cargo) = env::var_os("CARGO") {
        let profile = examples.parent().and_then(|folder| folder.file_name());
        let profile = match profile.and_then(|name| name.to_str()) {
            None | Some("debug") => "dev",
            Some(name) => name,
        };
        let built = Command::new(cargo)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "build",
                "--quiet",
                "--example",
                "gateway",
                "--profile",
                profile,
            ])
            .status()?;
        if !built.success() {
            return Err("the gateway does not build".into());
        }
    }
    if !program.exists() {
        return Err(format!(
            "no gateway at {}: cargo build --example gateway",
            program.display()
        )
        .into());
    }
    Ok(program)
}
