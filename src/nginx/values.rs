//! Reading arguments as NGINX's own setters do, with their messages.

use std::time::Duration;

use super::{Directive, Problems, units};

/// A value read, or what NGINX says about the word that is none.
pub type Value<T> = Result<T, String>;

/// Puts a value in its slot, once per level (CF-2).
pub fn fill<T>(
    slot: &mut Option<T>,
    directive: &Directive,
    problems: &mut Problems,
    read: impl FnOnce(&Directive) -> Value<T>,
) {
    if slot.is_some() {
        problems.push(&directive.name.place, duplicate(directive));
        return;
    }
    match read(directive) {
        Ok(value) => *slot = Some(value),
        Err(message) => problems.push(directive.place(0), message),
    }
}

/// `"x" directive is duplicate`
pub fn duplicate(directive: &Directive) -> String {
    format!("\"{}\" directive is duplicate", directive.name())
}

/// `on` or `off`
pub fn flag(directive: &Directive) -> Value<bool> {
    match directive.arg(0).to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!(
            "invalid value \"{}\" in \"{}\" directive, it must be \"on\" or \"off\"",
            directive.arg(0),
            directive.name()
        )),
    }
}

/// A time of millisecond precision.
pub fn time_ms(directive: &Directive) -> Value<Duration> {
    units::time_ms(directive.arg(0)).ok_or_else(|| invalid_value(directive))
}

/// A size with `k` or `m`.
pub fn size(directive: &Directive) -> Value<usize> {
    units::size(directive.arg(0))
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| invalid_value(directive))
}

/// A size with `k`, `m` or `g`.
pub fn offset(directive: &Directive) -> Value<u64> {
    units::offset(directive.arg(0)).ok_or_else(|| invalid_value(directive))
}

/// A whole number.
pub fn number(directive: &Directive) -> Value<u64> {
    units::number(directive.arg(0))
        .ok_or_else(|| format!("\"{}\" directive invalid number", directive.name()))
}

/// NUMBER SIZE, neither of them 0.
pub fn buffers(directive: &Directive) -> Value<(usize, usize)> {
    let count = units::number(directive.arg(0)).and_then(|n| usize::try_from(n).ok());
    let size = units::size(directive.arg(1)).and_then(|n| usize::try_from(n).ok());
    match (count, size) {
        (Some(count @ 1..), Some(size @ 1..)) => Ok((count, size)),
        _ => Err(invalid_value(directive)),
    }
}

/// `"x" directive invalid value`
pub fn invalid_value(directive: &Directive) -> String {
    format!("\"{}\" directive invalid value", directive.name())
}
