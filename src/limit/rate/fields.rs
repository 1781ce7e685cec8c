use std::fmt::Write;
use std::time::Duration;

use super::{Limit, Standing, Zone};
use crate::answer::Field;

/// When callers are told how they stand, with the fields of draft-ietf-httpapi-ratelimit-headers-11.
///
/// `RateLimit-Policy` names every limit: `q` requests within `w` seconds, the shortest whole number of
/// seconds in which a full burst drains, and as many requests as the rate allows in them. Who spreads
/// that many over that time is not refused. `RateLimit` says of the limit that matters most how many
/// requests would pass at once (`r`), and in how many seconds it will be one more (`t`, rounded up).
/// Keys stay private: there is no `pk`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitFields {
    /// Never.
    Never,
    /// In refusals.
    #[default]
    WhenRefused,
    /// In refusals and in the service's answers, as far as a limit applied to the request.
    Always,
}

/// The value of `RateLimit-Policy`.
pub(super) fn policy<'a>(limits: impl Iterator<Item = (&'a Zone, Limit)>) -> String {
    let mut text = String::new();
    for (zone, limit) in limits {
        let rate = zone.rate();
        let drained = seconds(rate.time_for(limit.burst() + 1000));
        let allowed = rate.within(drained.saturating_mul(1000)) / 1000;
        if !text.is_empty() {
            text.push_str(", ");
        }
        quote(zone.name(), &mut text);
        // Nothing can go wrong when text is written to a string.
        let _ = write!(text, ";q={};w={}", integer(allowed), integer(drained));
    }
    text
}

/// `RateLimit` and `RateLimit-Policy`. `left` requests would pass now.
pub(super) fn fields(zone: &Zone, limit: Limit, standing: Standing, policy: &str) -> Vec<Field> {
    let left = limit.left(standing.excess);
    let refused = standing.excess > limit.burst();
    // A refused request has not been charged: it is itself the one that may come next.
    let next = standing.excess + if refused { 0 } else { 1000 * (left + 1) };
    let time = zone.rate().time_for(next.saturating_sub(limit.burst()));
    let mut text = String::new();
    quote(zone.name(), &mut text);
    let _ = write!(text, ";r={left};t={}", integer(seconds(time)));
    vec![("ratelimit", text), ("ratelimit-policy", policy.to_owned())]
}

/// Rounded up, and at least one: windows have no fractions, and an empty one means nothing.
fn seconds(time: Duration) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(part).max(1)
}

/// Structured fields have integers of up to fifteen digits.
fn integer(number: u64) -> u64 {
    number.min(999_999_999_999_999)
}

/// As a string of a structured field, which is printable ASCII.
fn quote(name: &str, text: &mut String) {
    text.push('"');
    for character in name.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            ' '..='~' => text.push(character),
            _ => text.push('?'),
        }
    }
    text.push('"');
}
