//! The time of day, as logs write it.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use hyper::header::HeaderValue;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// One second in the forms logs use.
#[derive(Debug, Default)]
pub struct Text {
    second: u64,
    /// `23/Nov/2026:10:45:28 +0000`
    pub log: String,
    /// `2026-11-23T10:45:28+00:00`
    pub iso: String,
    /// `2026/11/23 10:45:28`
    pub error: String,
    /// `Mon, 23 Nov 2026 10:45:28 GMT`
    http: Option<HeaderValue>,
}

/// Since 1970.
pub fn since_epoch() -> Duration {
    // A clock before 1970 shows 1970.
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

/// Calls `look` with the present second, which each thread writes out once.
pub fn with_local(look: impl FnOnce(&Text)) {
    thread_local! {
        static TEXT: RefCell<Text> = RefCell::default();
    }
    let second = since_epoch().as_secs();
    TEXT.with_borrow_mut(|text| {
        if text.second != second || text.log.is_empty() {
            *text = Text::at(second, zone());
        }
        look(text);
    });
}

/// What a `Date` header says.
pub fn http_date() -> Option<HeaderValue> {
    let mut date = None;
    with_local(|text| date.clone_from(&text.http));
    date
}

fn zone() -> &'static TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(TimeZone::system)
}

impl Text {
    fn at(second: u64, zone: &TimeZone) -> Self {
        let instant = i64::try_from(second).ok();
        let instant = instant.and_then(|s| Timestamp::from_second(s).ok());
        let local = Zoned::new(instant.unwrap_or_default(), zone.clone());
        Self {
            second,
            log: local.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            iso: local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            error: local.strftime("%Y/%m/%d %H:%M:%S").to_string(),
            http: HeaderValue::from_str(&httpdate::fmt_http_date(
                SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            ))
            .ok(),
        }
    }
}

/// The machine's name, if it tells.
pub fn hostname() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    let name = NAME.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_lowercase())
    });
    name.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_in_three_forms() {
        let text = Text::at(1_795_425_928, &TimeZone::UTC);
        assert_eq!(text.log, "23/Nov/2026:09:25:28 +0000");
        assert_eq!(text.iso, "2026-11-23T09:25:28+00:00");
        assert_eq!(text.error, "2026/11/23 09:25:28");
        let east = TimeZone::fixed(jiff::tz::offset(2));
        let text = Text::at(1_795_425_928, &east);
        assert_eq!(text.log, "23/Nov/2026:11:25:28 +0200");
        assert_eq!(text.iso, "2026-11-23T11:25:28+02:00");
    }
}
