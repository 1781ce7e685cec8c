//! `$upstream_*`: one value per attempt, joined by commas; groups are joined by colons (VR-1).

use std::fmt::Write as _;
use std::time::Duration;

use tower_upstream::Attempt;
use tower_upstream::nginx::set_cookie;

use super::request::append_header;
use crate::exchange::Exchange;
use crate::text;

/// Appends `$upstream_NAME`; `None` of the request's doing leaves it without a value (VR-6).
pub fn append(exchange: &Exchange, name: &str, out: &mut String) -> bool {
    if let Some(header) = name.strip_prefix("http_") {
        let headers = exchange.received_headers.as_ref();
        return headers.is_some_and(|headers| append_header(headers, header, out));
    }
    if let Some(cookie) = name.strip_prefix("cookie_") {
        let headers = exchange.received_headers.as_ref();
        let value = headers.and_then(|headers| set_cookie(headers, cookie));
        return value.map(|value| text::push(value, out)).is_some();
    }
    let value: fn(&Attempt, &mut String) = match name {
        "addr" => |attempt, out| out.push_str(&attempt.peer),
        "status" => |attempt, out| match attempt.status {
            Some(status) => push(out, status),
            None => out.push('-'),
        },
        "connect_time" => |attempt, out| seconds(attempt.connect_time, out),
        "header_time" => |attempt, out| seconds(attempt.header_time, out),
        "response_time" => |attempt, out| seconds(attempt.response_time, out),
        "response_length" => |attempt, out| push(out, attempt.response_length),
        "bytes_sent" => |attempt, out| push(out, attempt.bytes_sent),
        "bytes_received" => |attempt, out| push(out, attempt.bytes_received),
        _ => return false,
    };
    join(&exchange.attempts(), value, out)
}

fn join(groups: &[Vec<Attempt>], value: fn(&Attempt, &mut String), out: &mut String) -> bool {
    let mut gap = "";
    for group in groups.iter().filter(|group| !group.is_empty()) {
        for attempt in group {
            out.push_str(gap);
            value(attempt, out);
            gap = ", ";
        }
        gap = " : ";
    }
    !gap.is_empty()
}

fn seconds(time: Option<Duration>, out: &mut String) {
    match time {
        Some(time) => push_seconds(time, out),
        None => out.push('-'),
    }
}

/// Seconds with three decimals, cut rather than rounded.
pub fn push_seconds(time: Duration, out: &mut String) {
    let _ = write!(out, "{}.{:03}", time.as_secs(), time.subsec_millis());
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_three_decimals() {
        let mut out = String::new();
        push_seconds(Duration::from_micros(1_238_999), &mut out);
        assert_eq!(out, "1.238");
    }

    #[test]
    fn no_attempt_is_no_value() {
        let mut out = String::new();
        assert!(!join(&[], |_, _| {}, &mut out));
        assert!(!join(&[Vec::new()], |_, _| {}, &mut out));
        assert_eq!(out, "");
    }
}
