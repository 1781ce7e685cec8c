//! Time that is left, as header values.
//!
//! A clock is nobody's but its own machine's, so what travels is not the instant but what is left of
//! the time. Written values are rounded down: a peer is never promised more than there is.
//!
//! | header | value | who understands it |
//! | --- | --- | --- |
//! | [`grpc-timeout`](GRPC_TIMEOUT) | up to 8 digits and one of `H M S m u n`, finest unit that fits | gRPC (its "HTTP2" protocol document) |
//! | a plain one, such as `x-request-timeout` | whole milliseconds | these layers, and whatever reads Envoy's `x-envoy-expected-rq-timeout-ms`, whose form it is |
//!
//! What cannot be understood is no deadline. So is nothing at all: an unknown limit is not a limit of
//! zero.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::timeout::header;
//!
//! assert_eq!(header::parse_grpc(b"1500m"), Some(Duration::from_millis(1500)));
//! assert_eq!(header::grpc(Duration::from_millis(1500)), "1500000u");
//! assert_eq!(header::millis(Duration::from_micros(2_999)), "2");
//! ```

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};

/// gRPC's own header.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The most digits gRPC allows.
const DIGITS: usize = 8;
const LARGEST: u128 = 99_999_999;

/// gRPC's units in nanoseconds, the finest first.
const UNITS: [(char, u128); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', 1_000_000_000),
    ('M', 60_000_000_000),
    ('H', 3_600_000_000_000),
];

/// The value of a `grpc-timeout`, if it is one. Zero is: it is over.
pub fn parse_grpc(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let number = number(digits, DIGITS)?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// `grpc-timeout`'s value: rounded down to the finest unit in which it has 8 digits at most.
pub fn grpc(left: Duration) -> HeaderValue {
    let nanos = left.as_nanos();
    let mut units = UNITS.map(|(unit, size)| (nanos / size, unit)).into_iter();
    let (number, unit) = units
        .find(|(number, _)| *number <= LARGEST)
        .unwrap_or((LARGEST, 'H'));
    let value = HeaderValue::try_from(format!("{number}{unit}"));
    value.unwrap_or(const { HeaderValue::from_static("0n") })
}

/// Whole milliseconds, if it is that: up to 15 digits.
pub fn parse_millis(value: &[u8]) -> Option<Duration> {
    number(value, 15).map(Duration::from_millis)
}

/// Whole milliseconds, rounded down.
pub fn millis(left: Duration) -> HeaderValue {
    HeaderValue::from(
        u64::try_from(left.as_millis())
            .unwrap_or(u64::MAX)
            .min(999_999_999_999_999),
    )
}

/// Digits and nothing else, one to `most` of them.
fn number(digits: &[u8], most: usize) -> Option<u64> {
    if digits.is_empty() || digits.len() > most || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_grpc_is_understood() {
        for (text, time) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("6n", Duration::from_nanos(6)),
            ("0n", Duration::ZERO),
            ("00000012m", Duration::from_millis(12)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(parse_grpc(text.as_bytes()), Some(time), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "S",
            "1",
            "1s",
            "1h",
            "-1S",
            "+1S",
            "1.5S",
            " 1S",
            "1S ",
            "1 S",
            "123456789n",
            "١S",
            "1SS",
            "1mS",
            "0x1S",
        ] {
            assert_eq!(parse_grpc(text.as_bytes()), None, "{text:?}");
        }
        for text in [
            "",
            "5s",
            "-1",
            "+1",
            "1.5",
            " 1",
            "1 ",
            "1,2",
            "1000000000000000",
        ] {
            assert_eq!(parse_millis(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_millis(b"0"), Some(Duration::ZERO));
        assert_eq!(parse_millis(b"250"), Some(Duration::from_millis(250)));
    }

    #[test]
    fn the_finest_unit_that_fits_is_written() {
        for (left, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(1), "1n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_999), "100000u"),
            (Duration::from_secs(1), "1000000u"),
            (Duration::from_micros(99_999_999), "99999999u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_millis(100_000_000), "100000S"),
            (Duration::from_secs(100_000_000), "1666666M"),
            (Duration::from_secs(99_999_999 * 60 + 60), "1666666H"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(grpc(left), text, "{left:?}");
        }
    }

    #[test]
    fn no_more_is_promised_than_is_left_and_hardly_less() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let left = Duration::from_nanos(random.u64(..) >> random.u32(..63));
            let read = parse_grpc(grpc(left).as_bytes()).unwrap();
            assert!(read <= left, "{left:?} became {read:?}");
            // The next unit is a thousand times as large, so six digits of eight may be all.
            assert!(left - read <= left / 100_000, "{left:?} became {read:?}");
            let read = parse_millis(millis(left).as_bytes()).unwrap();
            assert!(read <= left && left - read < Duration::from_millis(1));
        }
        assert_eq!(
            parse_millis(millis(Duration::MAX).as_bytes()),
            Some(Duration::from_millis(999_999_999_999_999))
        );
    }
}
