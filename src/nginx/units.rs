//! Times and sizes as NGINX writes them.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::nginx::units;
//!
//! assert_eq!(units::time_ms("1m30s"), Some(Duration::from_secs(90)));
//! assert_eq!(units::time_s("500ms"), None);
//! assert_eq!(units::size("4k"), Some(4096));
//! assert_eq!(units::offset("1g"), Some(1 << 30));
//! ```

use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

/// NGINX keeps these in signed machine words.
const MAX: u64 = i64::MAX as u64;

/// A time of millisecond precision; years and months are not for these (CF-3).
pub fn time_ms(text: &str) -> Option<Duration> {
    time(text, Precision::Milliseconds).map(Duration::from_millis)
}

/// A time of whole seconds; `ms` is not for these (CF-3).
pub fn time_s(text: &str) -> Option<Duration> {
    time(text, Precision::Seconds).map(Duration::from_secs)
}

/// A size in bytes with `k` or `m` (CF-4).
pub fn size(text: &str) -> Option<u64> {
    match text.bytes().last()? {
        b'g' | b'G' => None,
        _ => offset(text),
    }
}

/// A size in bytes with `k`, `m` or `g` (CF-4).
pub fn offset(text: &str) -> Option<u64> {
    let shift = match text.bytes().last()? {
        b'k' | b'K' => 10,
        b'm' | b'M' => 20,
        b'g' | b'G' => 30,
        _ => 0,
    };
    let digits = if shift == 0 {
        text
    } else {
        &text[..text.len() - 1]
    };
    let bytes = number(digits)?.checked_mul(1 << shift)?;
    (bytes <= MAX).then_some(bytes)
}

/// Digits and nothing else.
pub fn number(text: &str) -> Option<u64> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|n| *n <= MAX)
}

#[derive(Clone, Copy, PartialEq)]
enum Precision {
    Seconds,
    Milliseconds,
}

/// Units must come in this order, each at most once.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Step {
    Start,
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Last,
}

fn time(text: &str, precision: Precision) -> Option<u64> {
    let second = match precision {
        Precision::Seconds => 1,
        Precision::Milliseconds => 1000,
    };
    let mut step = match precision {
        Precision::Seconds => Step::Start,
        Precision::Milliseconds => Step::Month,
    };
    let mut total: u64 = 0;
    let mut rest = text;
    let mut seen_digit = false;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        seen_digit |= digits > 0;
        let value = match digits {
            0 => 0,
            _ => number(&rest[..digits])?,
        };
        rest = &rest[digits..];
        let (next, scale, width) = match rest.as_bytes() {
            [] => (Step::Last, second, 0),
            [b'm', b's', ..] if precision == Precision::Milliseconds => (Step::Millisecond, 1, 2),
            [b'm', b's', ..] => return None,
            [b'y', ..] => (Step::Year, 365 * DAY * second, 1),
            [b'M', ..] => (Step::Month, 30 * DAY * second, 1),
            [b'w', ..] => (Step::Week, 7 * DAY * second, 1),
            [b'd', ..] => (Step::Day, DAY * second, 1),
            [b'h', ..] => (Step::Hour, 3600 * second, 1),
            [b'm', ..] => (Step::Minute, 60 * second, 1),
            [b's', ..] => (Step::Second, second, 1),
            [b' ', ..] => (Step::Last, second, 1),
            _ => return None,
        };
        // A bare number may end anything, a spaced one nothing finer than minutes.
        let too_late = match width {
            0 => false,
            _ if next == Step::Last => step >= Step::Second,
            _ => step >= next,
        };
        if too_late {
            return None;
        }
        step = next;
        total = total.checked_add(value.checked_mul(scale)?)?;
        rest = rest[width..].trim_start_matches(' ');
    }
    (seen_digit && total <= MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, ms, s) in [
            ("5", Some(5_000), Some(5)),
            ("5s", Some(5_000), Some(5)),
            ("1m30s", Some(90_000), Some(90)),
            ("1m 30s", Some(90_000), Some(90)),
            ("1m30", Some(90_000), Some(90)),
            ("1s500ms", Some(1_500), None),
            ("500ms", Some(500), None),
            ("1h1d", None, None),
            ("1s1s", None, None),
            ("30s1m", None, None),
            ("1d12h", Some(129_600_000), Some(129_600)),
            ("2w", Some(1_209_600_000), Some(1_209_600)),
            ("1M", None, Some(2_592_000)),
            ("1y", None, Some(31_536_000)),
            ("1y1M", None, Some(34_128_000)),
            ("0", Some(0), Some(0)),
            ("", None, None),
            ("-1", None, None),
            ("1.5s", None, None),
            ("1S", None, None),
            ("x", None, None),
            ("9223372036854775807", None, Some(MAX)),
            ("9223372036854775808", None, None),
            ("99999999999999999999999", None, None),
            ("å", None, None),
        ] {
            assert_eq!(time_ms(text), ms.map(Duration::from_millis), "{text:?}");
            assert_eq!(time_s(text), s.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes, with_g) in [
            ("0", Some(0), Some(0)),
            ("4096", Some(4096), Some(4096)),
            ("4k", Some(4096), Some(4096)),
            ("4K", Some(4096), Some(4096)),
            ("1m", Some(1 << 20), Some(1 << 20)),
            ("1g", None, Some(1 << 30)),
            ("k", None, None),
            ("", None, None),
            ("-1", None, None),
            ("+1", None, None),
            ("1.5k", None, None),
            ("9999999999999m", None, None),
            ("1é", None, None),
        ] {
            assert_eq!(size(text), bytes, "{text:?}");
            assert_eq!(offset(text), with_g, "{text:?}");
        }
    }
}
