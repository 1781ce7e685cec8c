//! Reading HTTP/1 requests off a raw connection, as far as a scripted backend needs them.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A request whose body has been read and forgotten.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The other side does not want to keep the connection.
    pub(crate) close: bool,
}

/// The next request, body included; `None` once the other side is gone.
pub(crate) async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head_end = find(stream, buffer, b"\r\n\r\n").await?;
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    buffer.drain(..head_end + 4);
    let mut words = head.split_whitespace();
    let request = Request {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        close: words.next()? == "HTTP/1.0" || header(&head, "connection") == Some("close"),
    };
    if header(&head, "transfer-encoding").is_some() {
        loop {
            let line_end = find(stream, buffer, b"\r\n").await?;
            let line = String::from_utf8_lossy(&buffer[..line_end]).into_owned();
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            take(stream, buffer, line_end + 2 + size + 2).await?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = header(&head, "content-length") {
        take(stream, buffer, length.parse().ok()?).await?;
    }
    Some(request)
}

/// The value of a header, by its lower-case name.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Reads until the buffer holds `mark`, and says where.
async fn find(stream: &mut TcpStream, buffer: &mut Vec<u8>, mark: &[u8]) -> Option<usize> {
    loop {
        if let Some(place) = buffer.windows(mark.len()).position(|bytes| bytes == mark) {
            return Some(place);
        }
        more(stream, buffer).await?;
    }
}

async fn take(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> Option<()> {
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    buffer.drain(..length);
    Some(())
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
