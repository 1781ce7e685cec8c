//! The client side: one request on one raw connection, and what came back.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::request::header;
use super::scenario::Request;

/// Nothing takes longer than this; a side that does is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the client saw of one request.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) answer: Answer,
    pub(crate) sent: SystemTime,
    pub(crate) took: Duration,
    /// The connection, if it was to stay.
    #[expect(dead_code, reason = "held open")]
    kept: Option<TcpStream>,
}

impl Exchange {
    pub(crate) fn of(answer: Answer, sent: SystemTime, took: Duration) -> Self {
        Self {
            answer,
            sent,
            took,
            kept: None,
        }
    }
}

/// A response as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Status, whether all of it arrived, and the body's first word if a backend wrote it.
    Status {
        status: u16,
        whole: bool,
        body: String,
    },
    /// A call over HTTP/2: the HTTP status or 0, how it ended (`grpc:N` in trailers, `only:N` in the
    /// header, `reset:CODE`), and bytes of messages.
    Call {
        status: u16,
        said: String,
        length: usize,
    },
    /// Bytes without a response header.
    Raw,
    /// The connection ended without a byte.
    Nothing,
    /// The client went away before anything came.
    Abandoned,
}

/// Sends a request and reads until the connection ends.
pub(crate) async fn exchange(front: SocketAddr, path: &str, request: &Request) -> Exchange {
    let (sent, start) = (SystemTime::now(), Instant::now());
    let mut bytes = Vec::new();
    let mut stream = TcpStream::connect(front)
        .await
        .unwrap_or_else(|why| panic!("cannot connect to {front}: {why}"));
    let _ = stream.set_nodelay(true);
    let talk = talk(&mut stream, path, request, &mut bytes);
    let patience = request.abandon.map_or(PATIENCE, Duration::from_millis);
    let abandoned = timeout(patience, talk).await.is_err() && request.abandon.is_some();
    let took = start.elapsed();
    let kept = request.idle.then_some(stream);
    let answer = match bytes.is_empty() && abandoned {
        true => Answer::Abandoned,
        false => read_answer(&request.method, &bytes),
    };
    Exchange {
        answer,
        sent,
        took,
        kept,
    }
}

async fn talk(stream: &mut TcpStream, path: &str, request: &Request, bytes: &mut Vec<u8>) {
    let query = request.key.as_ref().map(|key| format!("?k={key}"));
    let mut head = format!(
        "{} {path}{} HTTP/1.1\r\nHost: parity\r\n",
        request.method,
        query.unwrap_or_default()
    );
    if !request.idle {
        head.push_str("Connection: close\r\n");
    }
    if let Some(key) = &request.key {
        head.push_str(&format!("X-Key: {key}\r\n"));
    }
    if let Some(client) = request.client {
        head.push_str(&format!("X-Client: {client}\r\n"));
    }
    let mut late = 0;
    let mut body = Vec::new();
    if let Some(wanted) = request.body {
        late = wanted.late;
        body = vec![b'b'; wanted.length];
        if wanted.chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
            body = [
                format!("{:x}\r\n", wanted.length).as_bytes(),
                &body,
                b"\r\n0\r\n\r\n",
            ]
            .concat();
        } else {
            head.push_str(&format!("Content-Length: {}\r\n", wanted.length));
        }
    }
    head.push_str("\r\n");
    let mut first = head.into_bytes();
    if late == 0 {
        first.append(&mut body);
    }
    let (mut read, mut write) = stream.split();
    let sending = async {
        // The other side may answer and close before all is sent: what it answered still counts.
        if write.write_all(&first).await.is_ok() && !body.is_empty() {
            sleep(Duration::from_millis(late)).await;
            let _ = write.write_all(&body).await;
        }
    };
    let enough = |bytes: &[u8]| {
        let whole = matches!(
            read_answer(&request.method, bytes),
            Answer::Status { whole: true, .. }
        );
        request.idle && whole
    };
    let receiving =
        async { while !matches!(read.read_buf(bytes).await, Ok(0) | Err(_)) && !enough(bytes) {} };
    tokio::pin!(sending);
    tokio::pin!(receiving);
    tokio::select! {
        () = &mut receiving => {}
        () = &mut sending => receiving.await,
    }
}

fn read_answer(method: &str, bytes: &[u8]) -> Answer {
    if bytes.is_empty() {
        return Answer::Nothing;
    }
    let text = String::from_utf8_lossy(bytes);
    let (Some(end), true) = (text.find("\r\n\r\n"), text.starts_with("HTTP/1.1 ")) else {
        return Answer::Raw;
    };
    if text.as_bytes().get(12).is_some_and(u8::is_ascii_digit) {
        return Answer::Raw;
    }
    let (head, body) = (&text[..end], &text[end + 4..]);
    let Some(status) = text.get(9..12).and_then(|digits| digits.parse().ok()) else {
        return Answer::Raw;
    };
    let bodiless = method == "HEAD" || matches!(status, 204 | 304);
    let (whole, body) = if bodiless {
        (true, "")
    } else if header(head, "transfer-encoding").is_some() {
        let first = body.split("\r\n").nth(1).unwrap_or_default();
        // Trailers may follow the last chunk.
        let last = body.contains("\r\n0\r\n") || body.starts_with("0\r\n");
        (last && body.ends_with("\r\n\r\n"), first)
    } else if let Some(length) = header(head, "content-length") {
        (length.parse() == Ok(body.len()), body)
    } else {
        (true, body)
    };
    Answer::Status {
        status,
        whole,
        body: marker(body),
    }
}

/// A backend's letter and status, by which it signs its bodies.
fn marker(body: &str) -> String {
    let word = body.split_whitespace().next().unwrap_or_default();
    let signed = word.len() == 4 && word.starts_with(|c: char| c.is_ascii_uppercase());
    if signed {
        word.to_owned()
    } else {
        String::new()
    }
}
