//! Clients and peers that mean harm: each gets its answer or its end, everybody else is served
//! meanwhile, and nothing is left of them.

mod bodies;
mod drops;
mod floods;
mod heads;
mod idle;
mod loris;
mod meanwhile;
mod peers;
mod unread;
mod unread_http2;

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::rig::{PATIENCE, Server, echo, status};

/// A gateway with something to suffer, and what it held before.
struct Siege {
    server: Server,
    files: usize,
    memory: u64,
}

impl Siege {
    /// A gateway on `locations` and `upstreams`, under limits that let a test be short. `/calm` is for
    /// whoever means no harm.
    fn new(locations: &str, upstreams: &str) -> Self {
        let calm: SocketAddr = echo();
        let server = Server::gateway(&format!(
            "access_log access.log; client_header_timeout 500ms; client_body_timeout 500ms;
             upstream calm {{ server {calm}; }} {upstreams}
             server {{ listen @FRONT; location /calm {{ proxy_pass http://calm; }} {locations} }}"
        ));
        let mut siege = Self {
            server,
            files: 0,
            memory: 0,
        };
        siege.serves();
        siege.files = siege.settled_files();
        siege.memory = siege.peak_memory();
        siege
    }

    fn proc(&self, file: &str) -> String {
        let pid = self.server.process.read("gateway.pid");
        format!("/proc/{}/{file}", pid.trim())
    }

    fn files(&self) -> usize {
        let files = fs::read_dir(self.proc("fd")).expect("a process that lives");
        files.count()
    }

    /// Open files once the connections before have been closed.
    fn settled_files(&self) -> usize {
        let (mut files, mut since) = (self.files(), Instant::now());
        while since.elapsed() < Duration::from_millis(200) {
            thread::sleep(Duration::from_millis(10));
            let now = self.files();
            if now != files {
                (files, since) = (now, Instant::now());
            }
        }
        files
    }

    /// The most bytes that were ever resident.
    fn peak_memory(&self) -> u64 {
        self.memory_of("VmHWM:")
    }

    fn memory_of(&self, name: &str) -> u64 {
        let text = fs::read_to_string(self.proc("status")).expect("a process that lives");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        kilobytes.expect(name).parse::<u64>().expect("a number") * 1024
    }

    /// Asserts that a harmless request is served before its client loses patience.
    fn serves(&self) {
        let request = "GET /calm HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let text = self.server.ask(request);
        assert_eq!(status(&text), 200, "{text}");
        assert!(text.contains("\r\n\r\nGET /calm HTTP/1.0\r\n"), "{text}");
    }

    /// Waits until the access log holds `text` so many times.
    fn logs(&self, text: &str, count: usize) {
        let start = Instant::now();
        loop {
            let log = self.server.process.read("access.log");
            if log.matches(text).count() == count {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "not {count} of {text:?}:\n{log}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asserts that all is as before: files are closed, nobody was alarmed, and it never took more
    /// than `memory` bytes on top of what an idle gateway takes.
    fn ends_within(self, memory: u64) {
        self.serves();
        let start = Instant::now();
        while self.files() > self.files {
            let open = self.files();
            assert!(
                start.elapsed() < PATIENCE,
                "{open} files open, {} before",
                self.files
            );
            thread::sleep(Duration::from_millis(10));
        }
        let grown = self.peak_memory() - self.memory;
        assert!(grown <= memory, "{grown} bytes more than before");
        let (log, output) = (
            self.server.process.read("error.log"),
            self.server.process.read("output.log"),
        );
        assert!(
            !log.contains("[alert]") && !log.contains("[emerg]"),
            "{log}"
        );
        assert!(!output.contains("panicked"), "{output}");
    }
}

/// Runs `work` in `count` threads and waits for all of them.
fn in_threads(count: usize, work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

const MIB: u64 = 1024 * 1024;
