//! Peers that do what a test tells them, one connection at a time.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tower_upstream::{Builder, Error, Server, Trail, Upstream};

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Peer {
    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(self.address.to_string())
    }
}

/// A peer that handles every connection with `serve`; connections are counted from 0.
pub(crate) async fn peer<F, Fut>(serve: F) -> Peer
where
    F: Fn(usize, Stream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, SeqCst);
            tokio::spawn(serve(number, Stream(BufReader::new(stream))));
        }
    });
    Peer { address, accepted }
}

/// A peer that answers every request with `reply`.
pub(crate) async fn answering(reply: &'static str) -> Peer {
    peer(move |_, mut stream| async move {
        while stream.request().await.is_some() {
            stream.write(reply).await;
        }
    })
    .await
}

/// A peer that answers every request with `reply`, and the requests it got, in lower case.
pub(crate) async fn recording(reply: &'static str) -> (Peer, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let peer = peer(move |_, mut stream| {
        let record = Arc::clone(&record);
        async move {
            while let Some(request) = stream.request().await {
                record.lock().unwrap().push(request.to_ascii_lowercase());
                stream.write(reply).await;
            }
        }
    })
    .await;
    (peer, seen)
}

/// A peer that reads a whole request and closes.
pub(crate) async fn closing() -> Peer {
    peer(|_, mut stream| async move {
        stream.request().await;
    })
    .await
}

/// A peer that reads a request and never answers.
pub(crate) async fn silent() -> Peer {
    peer(|_, mut stream| async move { while stream.request().await.is_some() {} }).await
}

/// An address nobody listens at.
pub(crate) async fn refusing() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::new(listener.local_addr().unwrap().to_string())
}

pub(crate) struct Stream(pub BufReader<TcpStream>);

impl Stream {
    /// The next request, head and body as they came; `None` when the connection has ended.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut text = self.head().await?;
        let head = text.to_ascii_lowercase();
        if let Some(at) = head.find("content-length: ") {
            let digits = head[at + 16..].split("\r\n").next().unwrap();
            let mut body = vec![0; digits.parse().unwrap()];
            self.0.read_exact(&mut body).await.ok()?;
            text.push_str(&String::from_utf8(body).unwrap());
        } else if head.contains("transfer-encoding: chunked") {
            while !text.ends_with("0\r\n") {
                self.line(&mut text).await?;
            }
            // Trailers, if any, end with an empty line.
            while !text.ends_with("\r\n\r\n") {
                self.line(&mut text).await?;
            }
        }
        Some(text)
    }

    /// The next request's head alone.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            self.line(&mut text).await?;
        }
        Some(text)
    }

    async fn line(&mut self, text: &mut String) -> Option<()> {
        matches!(self.0.read_line(text).await, Ok(n) if n > 0).then_some(())
    }

    /// Writes; a caller that went away is no concern of the peer's.
    pub(crate) async fn write(&mut self, text: &str) {
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    /// Waits until the other side closes.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
    }

    /// Closes with a reset.
    pub(crate) fn reset(self) {
        let _ =
            socket2::SockRef::from(self.0.get_ref()).set_linger(Some(std::time::Duration::ZERO));
    }
}

pub(crate) fn get(path: &str) -> http::Request<Empty<Bytes>> {
    http::Request::get(path).body(Empty::new()).unwrap()
}

/// An upstream over these servers, with whatever else `with` sets.
pub(crate) fn upstream<const N: usize>(
    servers: [Server; N],
    with: impl FnOnce(Builder) -> Builder,
) -> Upstream {
    let builder = servers
        .into_iter()
        .fold(Upstream::builder(), Builder::server);
    with(builder).build().unwrap()
}

/// Sends a request and reads the whole answer.
pub(crate) async fn fetch(upstream: &Upstream) -> Result<(u16, String), Error> {
    fetch_as(upstream, get("/")).await
}

pub(crate) async fn fetch_as<B>(
    upstream: &Upstream,
    request: http::Request<B>,
) -> Result<(u16, String), Error>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tower_upstream::BoxError>,
{
    let reply = upstream.send(request).await?;
    let status = reply.status().as_u16();
    let body = match reply.into_body().collect().await {
        Ok(body) => String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        Err(error) => format!("cut: {error}"),
    };
    Ok((status, body))
}

/// The statuses of every attempt that `send` makes.
pub(crate) async fn statuses<B>(
    upstream: &Upstream,
    mut request: http::Request<B>,
) -> Vec<Option<u16>>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tower_upstream::BoxError>,
{
    let trail = Trail::new();
    request.extensions_mut().insert(trail.clone());
    let _ = fetch_as(upstream, request).await;
    trail
        .attempts()
        .iter()
        .map(|attempt| attempt.status)
        .collect()
}

/// Fails seen and attempts in flight, peer by peer.
pub(crate) fn standing(upstream: &Upstream) -> Vec<(u32, u32)> {
    let peers = upstream.group().snapshot();
    peers
        .iter()
        .map(|peer| (peer.state.fails, peer.state.in_flight))
        .collect()
}

/// Lets every other task run until `done`, for what happens in the background at once.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("it did not happen within two seconds");
}
