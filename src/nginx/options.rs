//! Reading the arguments of directives with `name=value`s, each wrong one told where it stands.

use std::time::Duration;

use super::values::duplicate;
use super::{Directive, Problems, units};
use crate::upstream::config::Choice;

/// What is wrong, and with which argument.
pub(super) type Wrong = (usize, String);

/// Once per level; what is wrong is told where it stands.
pub(super) fn fill<T>(
    slot: &mut Option<T>,
    d: &Directive,
    problems: &mut Problems,
    read: impl FnOnce(&Directive) -> Result<T, Wrong>,
) {
    if slot.is_some() {
        problems.push(&d.name.place, duplicate(d));
        return;
    }
    match read(d) {
        Ok(value) => *slot = Some(value),
        Err((index, message)) => problems.push(d.place(index), message),
    }
}

pub(super) fn at(index: usize) -> impl Fn(String) -> Wrong {
    move |message| (index, message)
}

pub(super) fn invalid(d: &Directive, index: usize) -> Wrong {
    (index, format!("invalid parameter \"{}\"", d.arg(index)))
}

/// The `name=value`s from argument `first` on; a later one of the same name overrides.
pub(super) fn options(
    d: &Directive,
    first: usize,
    mut take: impl FnMut(&str, &str) -> Option<()>,
) -> Result<(), Wrong> {
    for (index, word) in d.args.iter().enumerate().skip(first) {
        let pair = word.text.split_once('=');
        pair.and_then(|(name, value)| take(name, value))
            .ok_or_else(|| invalid(d, index))?;
    }
    Ok(())
}

/// `off`, `on` with or without options, or options alone.
pub(super) fn choice<T: Default>(
    d: &Directive,
    mut take: impl FnMut(&mut T, &str, &str) -> Option<()>,
) -> Result<Choice<T>, Wrong> {
    let first = match d.arg(0) {
        "off" if d.args.len() == 1 => return Ok(Choice::Off),
        "off" => return Err(invalid(d, 1)),
        "on" => 1,
        _ => 0,
    };
    let mut value = T::default();
    options(d, first, |name, text| take(&mut value, name, text))?;
    Ok(Choice::On(value))
}

/// A number of at least 1.
pub(super) fn count(text: &str) -> Option<u32> {
    let number = units::number(text)?;
    u32::try_from(number).ok().filter(|n| *n > 0)
}

/// `N` or `N%`, up to 100.
pub(super) fn percent(text: &str) -> Option<u32> {
    let number = units::number(text.strip_suffix('%').unwrap_or(text))?;
    u32::try_from(number).ok().filter(|n| *n <= 100)
}

pub(super) fn time(text: &str) -> Option<Duration> {
    units::time_ms(text).filter(|time| !time.is_zero())
}

/// More than nothing, with or without a fraction.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = text.parse().ok().filter(|_| plain)?;
    (number > 0.0 && number.is_finite()).then_some(number)
}
