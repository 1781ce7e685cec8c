//! Bytes of headers and paths inside strings: what is not UTF-8 is carried through unchanged.

use bytes::Bytes;

/// A byte that is no part of UTF-8 is this character plus its value; nobody else uses these.
const FOREIGN: u32 = 0x0010_FE00;

/// Appends bytes, which [`into_bytes`] gives back.
pub fn push(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        let foreign = chunk.invalid().iter();
        out.extend(foreign.filter_map(|&byte| char::from_u32(FOREIGN + u32::from(byte))));
    }
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
        match (char as u32).checked_sub(FOREIGN).map(u8::try_from) {
            Some(Ok(byte)) => out.push(byte),
            _ => out.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes()),
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
            b"",
        ] {
            let mut text = String::new();
            push(bytes, &mut text);
            assert_eq!(into_bytes(text), bytes);
        }
    }
}
