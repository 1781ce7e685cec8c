//! `access_log`: one line per request, in the words of its `log_format`.

use std::cell::RefCell;
use std::fmt::Write as _;

use tower_upstream::nginx::Variables;

use crate::config::Escape;
use crate::exchange::Exchange;
use crate::text;

/// Writes the lines the place of an exchange asks for.
pub fn write(exchange: &Exchange) {
    thread_local! {
        static LINE: RefCell<String> = RefCell::default();
    }
    for &(file, format) in &exchange.at().logs {
        let format = &exchange.plan().config.log_formats[format];
        let Some(file) = exchange.worker().files.get(file) else {
            continue;
        };
        LINE.with_borrow_mut(|line| {
            line.clear();
            let values = Values {
                exchange,
                escape: format.escape,
            };
            format.line.eval(&values, line);
            line.push('\n');
            match format.escape {
                Escape::Default => file.add(line.as_bytes()),
                // Only the default leaves nothing but ASCII of the values.
                Escape::Json | Escape::None => file.add(&text::into_bytes(line.clone())),
            }
        });
    }
}

/// Variables made harmless.
struct Values<'a> {
    exchange: &'a Exchange,
    escape: Escape,
}

impl Variables for Values<'_> {
    fn append(&self, name: &str, out: &mut String) -> bool {
        let start = out.len();
        if !self.exchange.append(name, out) {
            out.truncate(start);
            if self.escape == Escape::Default {
                out.push('-');
            }
            return true;
        }
        if self.escape != Escape::None && needs_escape(&out[start..], self.escape) {
            let value = out.split_off(start);
            match self.escape {
                Escape::Json => escape_json(&value, out),
                _ => escape_bytes(text::into_bytes(value).into_iter(), out),
            }
        }
        true
    }
}

fn needs_escape(value: &str, escape: Escape) -> bool {
    value.bytes().any(|byte| match escape {
        Escape::Json => matches!(byte, b'"' | b'\\') || byte < 0x20,
        _ => matches!(byte, b'"' | b'\\') || !(0x20..0x7f).contains(&byte),
    })
}

fn escape_bytes(value: impl Iterator<Item = u8>, out: &mut String) {
    for byte in value {
        match byte {
            b'"' | b'\\' => hex(byte, out),
            0x20..0x7f => out.push(byte as char),
            _ => hex(byte, out),
        }
    }
}

fn hex(byte: u8, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{byte:02X}");
}

fn escape_json(value: &str, out: &mut String) {
    for char in value.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..' ' => {
                let _ = write!(out, "\\u{:04X}", char as u32);
            }
            _ => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_bytes_are_made_harmless() {
        let mut out = String::new();
        escape_bytes("a\"b\\é\n".bytes(), &mut out);
        assert_eq!(out, "a\\x22b\\x5C\\xC3\\xA9\\x0A");
    }

    #[test]
    fn json_keeps_letters_and_escapes_controls() {
        let mut out = String::new();
        escape_json("a\"é\n\u{1}", &mut out);
        assert_eq!(out, "a\\\"é\\n\\u0001");
    }
}
