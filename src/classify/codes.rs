use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::str::FromStr;

/// gRPC statuses; written `UNAVAILABLE RESOURCE_EXHAUSTED`.
///
/// ```
/// use tower_upstream::classify::Codes;
///
/// let codes = Codes::UNAVAILABLE | Codes::ABORTED;
/// assert!(codes.contains(Codes::of(14)) && !codes.contains(Codes::INTERNAL));
/// assert_eq!("ABORTED UNAVAILABLE".parse(), Ok(codes));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Codes(u32);

/// By their numbers.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl Codes {
    /// No status at all.
    pub const NONE: Self = Self(0);
    /// 0: done.
    pub const OK: Self = Self(1);
    /// 1: the caller gave up.
    pub const CANCELLED: Self = Self(1 << 1);
    /// 2: an error of no known kind, and whatever has no number of its own.
    pub const UNKNOWN: Self = Self(1 << 2);
    /// 3: the request is wrong, whoever is asked.
    pub const INVALID_ARGUMENT: Self = Self(1 << 3);
    /// 4: the call's time ran out.
    pub const DEADLINE_EXCEEDED: Self = Self(1 << 4);
    /// 5: there is no such thing.
    pub const NOT_FOUND: Self = Self(1 << 5);
    /// 6: there is one already.
    pub const ALREADY_EXISTS: Self = Self(1 << 6);
    /// 7: not for this caller.
    pub const PERMISSION_DENIED: Self = Self(1 << 7);
    /// 8: the caller's quota is used up, or the server is.
    pub const RESOURCE_EXHAUSTED: Self = Self(1 << 8);
    /// 9: not as things are.
    pub const FAILED_PRECONDITION: Self = Self(1 << 9);
    /// 10: another call was in the way.
    pub const ABORTED: Self = Self(1 << 10);
    /// 11: past the end.
    pub const OUT_OF_RANGE: Self = Self(1 << 11);
    /// 12: the server has no such method.
    pub const UNIMPLEMENTED: Self = Self(1 << 12);
    /// 13: the server is broken in some way.
    pub const INTERNAL: Self = Self(1 << 13);
    /// 14: the server cannot serve now.
    pub const UNAVAILABLE: Self = Self(1 << 14);
    /// 15: data is lost.
    pub const DATA_LOSS: Self = Self(1 << 15);
    /// 16: nobody knows who the caller is.
    pub const UNAUTHENTICATED: Self = Self(1 << 16);

    /// The status with this number; one that gRPC does not know is UNKNOWN.
    pub fn of(number: u8) -> Self {
        match usize::from(number) < NAMES.len() {
            true => Self(1 << number),
            false => Self::UNKNOWN,
        }
    }

    /// Whether all of `other` are among them; of [`NONE`](Self::NONE) nothing is.
    pub fn contains(self, other: Self) -> bool {
        other != Self::NONE && self.0 & other.0 == other.0
    }
}

impl BitOr for Codes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Codes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl FromStr for Codes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut codes = Self::NONE;
        for word in text.split_ascii_whitespace() {
            let number = NAMES.iter().position(|name| *name == word);
            let number = number.ok_or_else(|| format!("invalid gRPC status \"{word}\""))?;
            codes |= Self(1 << number);
        }
        Ok(codes)
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (number, name) in NAMES.iter().enumerate() {
            if self.0 & 1 << number != 0 {
                write!(f, "{gap}{name}")?;
                gap = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codes({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Codes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Codes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_name() {
        for (number, name) in NAMES.iter().enumerate() {
            let code = Codes::of(number as u8);
            assert_eq!(code.to_string(), *name);
            assert_eq!(name.parse(), Ok(code));
        }
        assert_eq!(Codes::of(17), Codes::UNKNOWN);
        assert_eq!(Codes::of(255), Codes::UNKNOWN);
        assert_eq!(Codes::of(14), Codes::UNAVAILABLE);
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for word in ["unavailable", "14", "OK,ABORTED", "SOMETHING"] {
            let refused = word.parse::<Codes>();
            assert_eq!(refused, Err(format!("invalid gRPC status \"{word}\"")));
        }
        assert_eq!("".parse(), Ok(Codes::NONE));
        assert!(!Codes::OK.contains(Codes::NONE));
    }
}
