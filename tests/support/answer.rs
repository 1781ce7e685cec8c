//! Sending one scripted reply.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::malformed;
use super::request::Request;
use super::script::{Reply, Shape, What};

/// The reply of a backend that works.
pub(crate) const fn ok() -> What {
    What::Answer(200, Shape::Length)
}

/// Sends a reply; `None` when the connection is to be closed after it.
pub(crate) async fn send(
    stream: &mut TcpStream,
    letter: char,
    request: &Request,
    reply: &Reply,
) -> Option<()> {
    if reply.after > 0 {
        silent(stream, Duration::from_millis(reply.after)).await?;
    }
    match reply.what {
        What::Answer(status, shape) => answer(stream, letter, request, status, shape).await,
        What::Malformed(name) => {
            stream.write_all(&malformed::bytes(name)).await.ok()?;
            None
        }
        What::HugeHeader => {
            let filler = "x".repeat(20_000);
            let text =
                format!("HTTP/1.1 200 OK\r\nFiller: {filler}\r\nContent-Length: 2\r\n\r\nok");
            stream.write_all(text.as_bytes()).await.ok()
        }
        What::Partial => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Le")
                .await
                .ok()?;
            None
        }
        What::Drip => {
            let text = format!(
                "HTTP/1.1 200 OK\r\nFiller: {}\r\nContent-Length: 0\r\n\r\n",
                "x".repeat(150)
            );
            for bytes in text.as_bytes().chunks(5) {
                stream.write_all(bytes).await.ok()?;
                sleep(Duration::from_millis(80)).await;
            }
            Some(())
        }
        What::Hang => silent(stream, Duration::from_secs(3600)).await,
        What::Grpc(name) => unreachable!("{name} is said over HTTP/2"),
        What::Close | What::Drop | What::HangUp | What::Reset | What::ResetOnAccept => None,
        What::Stale | What::StaleHang => None,
    }
}

/// Waits, unless the other side goes first.
async fn silent(stream: &mut TcpStream, time: Duration) -> Option<()> {
    let mut byte = [0];
    tokio::select! {
        () = sleep(time) => Some(()),
        // Whatever comes now, the connection is of no more use.
        _ = stream.read(&mut byte) => None,
    }
}

async fn answer(
    stream: &mut TcpStream,
    letter: char,
    request: &Request,
    status: u16,
    shape: Shape,
) -> Option<()> {
    let body = format!("{letter}{status} {}\n", request.path);
    let bodiless = request.method == "HEAD" || matches!(status, 204 | 304);
    let head = match shape {
        Shape::Length | Shape::LengthClose => format!("Content-Length: {}", body.len()),
        Shape::Empty => "Content-Length: 0".to_owned(),
        Shape::Chunked | Shape::ChunkedCut => "Transfer-Encoding: chunked".to_owned(),
        Shape::Eof => "X-Framing: close".to_owned(),
        Shape::Cut => "Content-Length: 100".to_owned(),
        Shape::Stall | Shape::Trickle => "Content-Length: 8".to_owned(),
        Shape::QuickTrickle => "Content-Length: 4".to_owned(),
    };
    let mut text = format!("HTTP/1.1 {status} Scripted\r\nContent-Type: text/plain\r\n{head}\r\n");
    if request.close {
        text.push_str("Connection: close\r\n");
    }
    text.push_str("\r\n");
    if !bodiless {
        match shape {
            Shape::Length | Shape::LengthClose | Shape::Eof => text.push_str(&body),
            Shape::Chunked => text.push_str(&format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())),
            Shape::ChunkedCut => text.push_str(&format!("{:x}\r\n{body}\r\n", body.len())),
            Shape::Cut => text.push_str(&body[..5]),
            Shape::Stall => text.push_str(&body[..2]),
            Shape::Empty | Shape::Trickle | Shape::QuickTrickle => {}
        }
    }
    stream.write_all(text.as_bytes()).await.ok()?;
    let done = match shape {
        _ if bodiless => Some(()).filter(|()| shape != Shape::LengthClose),
        Shape::Trickle => trickle(stream, &body[..8], Duration::from_millis(600)).await,
        Shape::QuickTrickle => trickle(stream, &body[..4], Duration::from_millis(200)).await,
        Shape::Stall => silent(stream, Duration::from_secs(3600)).await,
        Shape::Length | Shape::Empty | Shape::Chunked => Some(()),
        Shape::LengthClose | Shape::Eof | Shape::Cut | Shape::ChunkedCut => None,
    };
    done.filter(|()| !request.close)
}

async fn trickle(stream: &mut TcpStream, body: &str, gap: Duration) -> Option<()> {
    for byte in body.as_bytes() {
        sleep(gap).await;
        stream.write_all(&[*byte]).await.ok()?;
    }
    Some(())
}
