//! Servers, raw clients and raw backends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::process::Process;
use super::{gateway, nginx};

/// A server under test and where it listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) front: SocketAddr,
}

/// An address nobody listens on. Its port is below those that whoever does not care is given, so that
/// nobody comes by it before it is used; processes that run at the same time begin far apart.
pub(crate) fn free() -> SocketAddr {
    const PORTS: std::ops::Range<u32> = 12_000..30_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
        let number = std::process::id().wrapping_mul(101).wrapping_add(taken);
        let port = PORTS.start + number % (PORTS.end - PORTS.start);
        let address = SocketAddr::from(([127, 0, 0, 1], port as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Server {
    /// Our gateway on an `http` block, in which `@FRONT` is where it is to listen.
    pub(crate) fn gateway(http: &str) -> Self {
        let front = free();
        let process = gateway::start(&http.replace("@FRONT", &front.to_string()), front);
        Self { process, front }
    }

    /// nginx on an `http` block.
    pub(crate) fn nginx(http: &str) -> Self {
        let front = free();
        let process = nginx::start(&http.replace("@FRONT", &front.to_string()), front);
        Self { process, front }
    }

    /// nginx, which reloads only if it has a master.
    pub(crate) fn nginx_with_master(http: &str) -> Self {
        let front = free();
        let http = http.replace("@FRONT", &front.to_string());
        let process = nginx::start_with_master(&http, front);
        Self { process, front }
    }

    /// A connection.
    pub(crate) fn connect(&self) -> Wire {
        Wire::to(self.front)
    }

    /// What comes back until the server closes or falls silent.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> String {
        let mut wire = self.connect();
        wire.send(request);
        wire.rest()
    }

    /// Waits until a file of the server holds `text`.
    pub(crate) fn wait_for(&self, file: &str, text: &str) -> String {
        let start = Instant::now();
        loop {
            let held = self.process.read(file);
            if held.contains(text) {
                return held;
            }
            assert!(start.elapsed() < PATIENCE, "no {text:?} in {file}:\n{held}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A raw connection.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("to send");
    }

    /// Reads until `end` has come.
    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(end.as_bytes()) {
            match self.0.read(&mut byte) {
                Ok(1..) => read.push(byte[0]),
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&read)),
            }
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Reads until the server closes; `<reset>` or `<open>` stand for other ends.
    pub(crate) fn rest(&mut self) -> String {
        let mut read = Vec::new();
        let mut part = [0; 16 * 1024];
        let end = loop {
            match self.0.read(&mut part) {
                Ok(0) => break "",
                Ok(length) => read.extend_from_slice(&part[..length]),
                Err(e) if e.kind() == ErrorKind::ConnectionReset => break "<reset>",
                Err(_) => break "<open>",
            }
        };
        // A byte, a character: what is not UTF-8 must be seen as well.
        let mut text: String = read.iter().map(|&byte| byte as char).collect();
        text.push_str(end);
        text
    }

    /// Reads one response with a Content-Length.
    pub(crate) fn response(&mut self) -> (String, String) {
        let head = self.until("\r\n\r\n");
        let length = header(&head, "content-length").map_or(0, |n| n.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        (head, String::from_utf8_lossy(&body).into_owned())
    }

    /// Whether the server has closed.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

/// The value of a header in a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The status of a response.
pub(crate) fn status(head: &str) -> u16 {
    let code = head.split(' ').nth(1).unwrap_or("");
    code.parse()
        .unwrap_or_else(|_| panic!("no status in {head:?}"))
}

/// A backend: `serve` is given every connection, in a thread of its own.
pub(crate) fn backend(serve: impl Fn(Wire) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let serve = serve.clone();
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(PATIENCE));
                serve(Wire(stream));
            });
        }
    });
    address
}

/// A backend that answers every request with `response` and closes.
pub(crate) fn answering(response: &'static str) -> SocketAddr {
    backend(move |mut wire| {
        if wire.try_head().is_some() {
            wire.send(response);
        }
    })
}

/// A backend that sends the request's head back as the body.
pub(crate) fn echo() -> SocketAddr {
    backend(|mut wire| {
        while let Some(head) = wire.try_head() {
            wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}",
                head.len()
            ));
        }
    })
}

impl Wire {
    /// A request's head, unless the other side closes first.
    pub(crate) fn try_head(&mut self) -> Option<String> {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => read.push(byte[0]),
                _ => return None,
            }
        }
        Some(read.iter().map(|&byte| byte as char).collect())
    }
}
