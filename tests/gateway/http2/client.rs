//! A client that speaks HTTP/2 without asking, one request a connection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::rig::PATIENCE;

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
    pub(crate) trailers: Vec<String>,
    /// The stream or the connection did not end well.
    pub(crate) broken: Option<Reason>,
}

pub(crate) fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// A connection that is driven beside whoever uses it.
pub(crate) async fn connect(to: SocketAddr) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(to).await.expect("a connection");
    let (client, connection) = h2::client::handshake(socket).await.expect("a preface");
    tokio::spawn(connection);
    client.ready().await.expect("room for a stream")
}

/// Sends a request with a body and reads the answer to its end.
pub(crate) fn ask(to: SocketAddr, request: Request<()>, body: &[u8]) -> Answer {
    let body = Bytes::copy_from_slice(body);
    runtime().block_on(async {
        let asked = async {
            let mut client = connect(to).await;
            answer(&mut client, request, body).await
        };
        let asked = tokio::time::timeout(PATIENCE, asked).await;
        asked.expect("an answer in time")
    })
}

/// The same over an open connection.
pub(crate) async fn answer(
    client: &mut SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
) -> Answer {
    let sent = client.send_request(request, body.is_empty());
    let (response, mut stream) = sent.expect("a request");
    if !body.is_empty() {
        // The server may have heard enough.
        let _ = stream.send_data(body, true);
    }
    match response.await {
        Ok(response) => read(response).await,
        Err(error) => Answer {
            broken: error.reason().or(Some(Reason::INTERNAL_ERROR)),
            ..Answer::default()
        },
    }
}

/// Reads an answer to its end.
pub(crate) async fn read(response: Response<RecvStream>) -> Answer {
    let (parts, mut stream) = response.into_parts();
    let mut answer = Answer {
        status: parts.status.as_u16(),
        headers: lines(&parts.headers),
        ..Answer::default()
    };
    while let Some(data) = stream.data().await {
        match data {
            Ok(data) => {
                let _ = stream.flow_control().release_capacity(data.len());
                answer.body.push_str(&String::from_utf8_lossy(&data));
            }
            Err(error) => {
                answer.broken = error.reason().or(Some(Reason::INTERNAL_ERROR));
                return answer;
            }
        }
    }
    if let Ok(Some(trailers)) = stream.trailers().await {
        answer.trailers = lines(&trailers);
    }
    answer
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.iter();
    let mut lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort_unstable();
    lines
}

/// Waits for what must happen soon.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 2 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{what}: it does not happen");
}
