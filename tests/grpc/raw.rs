//! A server that speaks HTTP/2 frame by frame, to say what no library would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt, Result};
use tokio::net::{TcpListener, TcpStream};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// What is done with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// It is answered with one message, `raw`.
    Answer,
    /// RST_STREAM with this code.
    Reset(u32),
    /// GOAWAY that says that this stream was not taken; the connection stays for those that were.
    Goodbye,
    /// A head that lacks `:status`.
    Statusless,
    /// A whole answer in its head, and a RST_STREAM with this code: no more is to come.
    Enough(u32),
    /// The beginning of an answer, and a RST_STREAM with this code.
    Half(u32),
}

pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
}

impl Raw {
    /// Does this with one call after the other, and then answers.
    pub(crate) async fn start(acts: &'static [Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let raw = Self {
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            accepted: Arc::default(),
        };
        let (calls, accepted) = (Arc::clone(&raw.calls), Arc::clone(&raw.accepted));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, SeqCst);
                let calls = Arc::clone(&calls);
                tokio::spawn(async move {
                    let next = || acts.get(calls.fetch_add(1, SeqCst));
                    let _ = serve(stream, || next().copied().unwrap_or(Act::Answer)).await;
                });
            }
        });
        raw
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }
}

async fn serve(mut stream: TcpStream, mut next: impl FnMut() -> Act) -> Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    send(&mut stream, SETTINGS, 0, 0, &[]).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        match (head[3], head[4]) {
            (SETTINGS, flags) if flags & ACK == 0 => {
                send(&mut stream, SETTINGS, ACK, 0, &[]).await?;
            }
            // The call is complete.
            (DATA, flags) if flags & END_STREAM != 0 => act(&mut stream, id, next()).await?,
            _ => {}
        }
    }
}

async fn act(stream: &mut TcpStream, id: u32, act: Act) -> Result<()> {
    match act {
        Act::Answer => {
            send(stream, HEADERS, END_HEADERS, id, &head()).await?;
            send(stream, DATA, 0, id, b"\0\0\0\0\x03raw").await?;
            let trailers = literal("grpc-status", "0");
            send(stream, HEADERS, END_HEADERS | END_STREAM, id, &trailers).await
        }
        Act::Reset(code) => send(stream, RST_STREAM, 0, id, &code.to_be_bytes()).await,
        Act::Goodbye => {
            let before = id.saturating_sub(2).to_be_bytes();
            let no_error = [0; 4];
            send(stream, GOAWAY, 0, 0, &[before, no_error].concat()).await
        }
        Act::Statusless => {
            let head = literal("content-type", "application/grpc");
            send(stream, HEADERS, END_HEADERS | END_STREAM, id, &head).await
        }
        Act::Enough(code) => {
            let head = [&[0x88][..], &literal("x-whole", "yes")].concat();
            send(stream, HEADERS, END_HEADERS | END_STREAM, id, &head).await?;
            send(stream, RST_STREAM, 0, id, &code.to_be_bytes()).await
        }
        Act::Half(code) => {
            send(stream, HEADERS, END_HEADERS, id, &head()).await?;
            send(stream, DATA, 0, id, b"\0\0\0\0\x03ra").await?;
            send(stream, RST_STREAM, 0, id, &code.to_be_bytes()).await
        }
    }
}

/// `:status: 200`, which is number 8 of HPACK's own table, and a content type.
fn head() -> Vec<u8> {
    let mut head = vec![0x88];
    head.extend(literal("content-type", "application/grpc"));
    head
}

/// A header field in HPACK as it is, without table and code.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        field.push(u8::try_from(text.len()).unwrap());
        field.extend(text.as_bytes());
    }
    field
}

async fn send(stream: &mut TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(id.to_be_bytes());
    frame.extend(payload);
    stream.write_all(&frame).await
}
