//! A server that does what a test tells it, over real sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What comes of a request to `/healthz`; every other one is answered with 200.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Status(u16),
    /// Nothing, for ever.
    Hang,
    /// 200 after this time.
    Late(Duration),
    /// These bytes, then the end.
    Bytes(&'static str),
    /// The head of a 200, and a body that never ends.
    Endless,
    /// The head of a 200, and nothing of its body.
    Stall,
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    open: Option<JoinHandle<()>>,
}

struct Shared {
    act: Act,
    /// Heads of requests.
    checks: Vec<String>,
    others: usize,
    connections: usize,
    /// Connections that the other side has ended.
    ended: usize,
}

impl TestServer {
    pub(crate) async fn new(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Shared {
            act,
            checks: Vec::new(),
            others: 0,
            connections: 0,
            ended: 0,
        };
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Mutex::new(shared)),
            open: None,
        };
        server.serve(listener);
        server
    }

    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn act(&self, act: Act) {
        self.shared.lock().unwrap().act = act;
    }

    /// Nobody listens any more.
    pub(crate) async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            let _ = open.await;
        }
    }

    /// Somebody listens again, at the same address.
    pub(crate) async fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    pub(crate) fn checks(&self) -> Vec<String> {
        self.shared.lock().unwrap().checks.clone()
    }

    /// Requests that were no checks.
    pub(crate) fn requests(&self) -> usize {
        self.shared.lock().unwrap().others
    }

    /// Connections there were, and how many of them the other side has ended.
    pub(crate) fn connections(&self) -> (usize, usize) {
        let shared = self.shared.lock().unwrap();
        (shared.connections, shared.ended)
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.open = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(connection(stream, Arc::clone(&shared)));
            }
        }));
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut head = String::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(char::from(byte));
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        let act = {
            let mut shared = shared.lock().unwrap();
            match head.contains("/healthz") {
                true => {
                    shared.checks.push(head.clone());
                    shared.act
                }
                false => {
                    shared.others += 1;
                    Act::Status(200)
                }
            }
        };
        head.clear();
        if answer(&mut stream, act).await.is_none() {
            return;
        }
    }
    shared.lock().unwrap().ended += 1;
}

/// `None` when this end closes.
async fn answer(stream: &mut TcpStream, act: Act) -> Option<()> {
    let head = |length: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    match act {
        Act::Status(status) => {
            let text = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(text.as_bytes()).await.ok()
        }
        Act::Hang => Some(()),
        Act::Late(time) => {
            tokio::time::sleep(time).await;
            stream.write_all(head("0").as_bytes()).await.ok()
        }
        Act::Bytes(bytes) => {
            stream.write_all(bytes.as_bytes()).await.ok()?;
            None
        }
        Act::Endless => {
            stream.write_all(head("1000000000").as_bytes()).await.ok()?;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            Some(())
        }
        Act::Stall => stream.write_all(head("2").as_bytes()).await.ok(),
    }
}
