//! Servers on several addresses with one port, which count their connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_upstream::{BoxError, Server, Upstream};

/// What a streamed body consists of.
pub(crate) const PIECE: &str = "a piece of a body that takes its time; ";
const PIECES: usize = 20;

pub(crate) struct Fleet {
    port: u16,
    ips: Vec<String>,
    open: Vec<Arc<AtomicUsize>>,
    /// What is held back goes on.
    pub(crate) release: Arc<watch::Sender<bool>>,
    _serving: JoinSet<()>,
}

impl Fleet {
    /// So many servers, at `127.0.{net}.1` and so on.
    pub(crate) async fn start(net: u8, servers: usize) -> Self {
        let ips: Vec<String> = (1..=servers).map(|n| format!("127.0.{net}.{n}")).collect();
        let listeners = loop {
            if let Some(listeners) = listen(&ips).await {
                break listeners;
            }
        };
        let port = listeners[0].local_addr().unwrap().port();
        let release = Arc::new(watch::Sender::new(false));
        let (mut serving, mut open) = (JoinSet::new(), Vec::new());
        for (listener, ip) in listeners.into_iter().zip(&ips) {
            let count = Arc::new(AtomicUsize::new(0));
            open.push(Arc::clone(&count));
            serving.spawn(accept(listener, ip.clone(), count, Arc::clone(&release)));
        }
        Self {
            port,
            ips,
            open,
            release,
            _serving: serving,
        }
    }

    pub(crate) fn address(&self, number: usize) -> String {
        format!("{}:{}", self.ips[number], self.port)
    }

    pub(crate) fn server(&self, number: usize) -> Server {
        Server::new(self.address(number))
    }

    /// Connections that are open now.
    pub(crate) fn open(&self, number: usize) -> usize {
        self.open[number].load(SeqCst)
    }

    /// Waits until it has so many connections.
    pub(crate) async fn has_open(&self, number: usize, expected: usize) {
        eventually(|| self.open(number) == expected, || self.open(number)).await;
    }
}

/// All of them on the port that is free at the first.
async fn listen(ips: &[String]) -> Option<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for ip in ips {
        let first = listeners.first();
        let port = first.map_or(0, |first| first.local_addr().unwrap().port());
        listeners.push(TcpListener::bind(format!("{ip}:{port}")).await.ok()?);
    }
    Some(listeners)
}

async fn accept(
    listener: TcpListener,
    ip: String,
    open: Arc<AtomicUsize>,
    release: Arc<watch::Sender<bool>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (ip, open, release) = (ip.clone(), Arc::clone(&open), release.subscribe());
        open.fetch_add(1, SeqCst);
        connections.spawn(async move {
            let _ = serve(BufReader::new(stream), &ip, release).await;
            open.fetch_sub(1, SeqCst);
        });
        while connections.try_join_next().is_some() {}
    }
}

/// `/`: its address. `/stream`: a long body, piece by piece. `/held`: its address, when released.
/// `/cut`: half of a body, and the rest when released.
async fn serve(
    mut stream: BufReader<TcpStream>,
    ip: &str,
    mut release: watch::Receiver<bool>,
) -> std::io::Result<()> {
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            } else if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().expect("a length");
            } else if line == "\r\n" {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
        if path == "/held" {
            let _ = release.wait_for(|released| *released).await;
        }
        match path.as_str() {
            "/stream" => {
                let length = PIECE.len() * PIECES;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                for _ in 0..PIECES {
                    tokio::time::sleep(Duration::from_micros(500)).await;
                    stream.write_all(PIECE.as_bytes()).await?;
                }
            }
            "/cut" => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
                    .await?;
                let _ = release.wait_for(|released| *released).await;
                stream.write_all(b"half").await?;
            }
            _ => {
                let length = ip.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{ip}");
                stream.write_all(answer.as_bytes()).await?;
            }
        }
    }
}

/// A whole answer.
pub(crate) async fn fetch(upstream: &Upstream, path: &str) -> Result<String, BoxError> {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let body = upstream.send(request).await?.into_body();
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.into()).unwrap())
}

/// A whole answer to a POST with a body.
pub(crate) async fn post(upstream: &Upstream, body: Bytes) -> Result<String, BoxError> {
    let request = http::Request::post("/").body(Body::from(body)).unwrap();
    let body = upstream.send(request).await?.into_body();
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.into()).unwrap())
}

pub(crate) fn is_whole(body: &str) -> bool {
    body == PIECE.repeat(PIECES)
}

/// Waits for what must come true.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    mut holds: impl FnMut() -> bool,
    seen: impl Fn() -> T,
) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came true; last seen: {:?}", seen());
}
