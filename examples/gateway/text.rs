//! Bytes of headers and paths inside strings: what is not UTF-8 is carried through unchanged.

use bytes::Bytes;

/// A byte that is no part of UTF-8 is this character plus its value. Such bytes are never ASCII, so
/// these characters can never become line ends or quotes.
const FOREIGN: u32 = 0x0010_FE00;

/// Appends bytes, which [`into_bytes`] gives back.
pub fn push(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        match chunk.valid().contains(|c| foreign(c).is_some()) {
            // Somebody does use these characters: byte by byte they are themselves again.
            true => push_foreign(chunk.valid().as_bytes(), out),
            false => out.push_str(chunk.valid()),
        }
        push_foreign(chunk.invalid(), out);
    }
}

fn push_foreign(bytes: &[u8], out: &mut String) {
    out.extend(bytes.iter().filter_map(|&byte| match byte.is_ascii() {
        true => Some(char::from(byte)),
        false => char::from_u32(FOREIGN + u32::from(byte)),
    }));
}

/// The byte a character stands for, if it is none of its own.
fn foreign(char: char) -> Option<u8> {
    let byte = u8::try_from((char as u32).checked_sub(FOREIGN)?).ok()?;
    (!byte.is_ascii()).then_some(byte)
}

/// The bytes that have gone into a string.
pub fn into_bytes(text: String) -> Bytes {
    if text.is_ascii() {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    append_bytes(&text, &mut out);
    out.into()
}

/// Appends the bytes that have gone into a string.
pub fn append_bytes(text: &str, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    for char in text.chars() {
        match foreign(char) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_out_as_they_went_in() {
        for bytes in [
            &b"plain"[..],
            b"caf\xe9 \xff\x80",
            "h\u{e9} \u{10FFFF}".as_bytes(),
            "a\u{10FE0A}\u{10FE22}\u{10FE80}\u{10FEFF}b".as_bytes(),
            b"",
        ] {
            let mut text = String::new();
            push(bytes, &mut text);
            assert_eq!(into_bytes(text), bytes);
        }
    }
}
