use bytes::{Bytes, BytesMut};

/// Pieces of at least this size are kept as they came; smaller ones are put together, or a body sent
/// byte by byte would cost many times its size.
const LARGE: usize = 4096;

/// What was read of a body, to be sent again.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pieces: Vec<Bytes>,
    /// Small pieces, put together; they follow all of `pieces`.
    tail: BytesMut,
    pub(super) bytes: usize,
}

/// How far an attempt has come within what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    piece: usize,
    offset: usize,
}

impl Kept {
    pub(super) fn push(&mut self, data: &Bytes) {
        self.bytes += data.len();
        let large = data.len() >= LARGE;
        if !large {
            self.tail.extend_from_slice(data);
        }
        if !self.tail.is_empty() && (large || self.tail.len() >= LARGE) {
            self.pieces.push(self.tail.split().freeze());
        }
        if large {
            self.pieces.push(data.clone());
        }
    }

    /// Behind everything kept so far.
    pub(super) fn end(&self) -> Position {
        Position {
            piece: self.pieces.len(),
            offset: self.tail.len(),
        }
    }

    /// The next piece an attempt has not sent.
    pub(super) fn next(&self, at: &mut Position) -> Option<Bytes> {
        while let Some(piece) = self.pieces.get(at.piece) {
            let rest = piece.slice(at.offset..);
            *at = Position {
                piece: at.piece + 1,
                offset: 0,
            };
            if !rest.is_empty() {
                return Some(rest);
            }
        }
        let rest = self.tail.get(at.offset..).unwrap_or_default();
        *at = self.end();
        (!rest.is_empty()).then(|| Bytes::copy_from_slice(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(kept: &Kept, mut at: Position) -> Vec<u8> {
        std::iter::from_fn(|| kept.next(&mut at))
            .flatten()
            .collect()
    }

    #[test]
    fn everything_comes_back_in_order_from_any_position() {
        let sizes = [1, LARGE - 1, 3, LARGE, 2, 2, LARGE + 5, 1, 1];
        let (mut kept, mut sent, mut position) = (Kept::default(), Vec::new(), Position::default());
        for (n, size) in sizes.into_iter().enumerate() {
            let piece = Bytes::from(vec![n as u8; size]);
            kept.push(&piece);
            sent.extend_from_slice(&piece);
            assert_eq!(all(&kept, Position::default()), sent);
            // Whoever was at the end sees just what came since, also when small pieces were joined.
            if size < LARGE {
                assert!(all(&kept, position).ends_with(&piece));
            }
            position = kept.end();
            assert!(all(&kept, position).is_empty());
        }
        assert_eq!(kept.bytes, sent.len());
    }

    #[test]
    fn single_bytes_are_put_together() {
        let mut kept = Kept::default();
        for _ in 0..10 * LARGE {
            kept.push(&Bytes::from_static(b"x"));
        }
        assert_eq!(kept.pieces.len(), 10);
    }
}
