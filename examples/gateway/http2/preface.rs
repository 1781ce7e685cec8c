use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::replayed::Replayed;

/// What a client says first that knows it may.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until it is clear whether HTTP/2 comes next.
pub async fn is_next<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<(bool, Replayed<S>)> {
    let mut seen = Vec::with_capacity(PREFACE.len());
    while seen.len() < PREFACE.len() && PREFACE.starts_with(&seen) {
        let left = PREFACE.len() - seen.len();
        if (&mut stream).take(left as u64).read_buf(&mut seen).await? == 0 {
            break;
        }
    }
    Ok((seen == PREFACE, Replayed::new(seen, stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever comes, nothing of it is lost, and nobody waits for what need not come.
    #[tokio::test]
    async fn a_look_ahead_takes_nothing_away() {
        for (bytes, expected) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"[..], true),
            (b"POST / HTTP/1.1\r\n\r\n", false),
            (b"PRI * HTTP/2.0\r\n\r\nsm\r\n\r\n", false),
            (b"PRI", false),
            (b"", false),
        ] {
            let (http2, mut again) = is_next(bytes).await.expect("bytes in memory");
            let mut all = Vec::new();
            again.read_to_end(&mut all).await.expect("bytes in memory");
            assert_eq!((http2, &all[..]), (expected, bytes));
        }
    }

    #[tokio::test]
    async fn a_first_letter_can_be_enough() {
        let (mut client, server) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut client, b"PU")
            .await
            .expect("room");
        let (http2, _) = is_next(server).await.expect("an open pipe");
        assert!(!http2);
    }
}
