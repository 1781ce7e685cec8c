use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Statuses of answers, as ranges; written `200-399` or `200,204,300-399`.
///
/// ```
/// use tower_upstream::upstream::config::Statuses;
///
/// let fine: Statuses = "200,300-399".parse()?;
/// assert!(fine.contains(200) && fine.contains(304) && !fine.contains(204));
/// assert_eq!(Statuses::default().to_string(), "200-399");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Whether this one is among them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    /// 200 to 399, as NGINX's `health_check`.
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |word: &str| {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            let (first, last) = (status(first)?, status(last)?);
            (first <= last).then_some(first..=last)
        };
        let ranges = text.split(',').map(one).collect::<Option<Vec<_>>>();
        ranges
            .map(Self)
            .ok_or_else(|| format!("invalid status \"{text}\""))
    }
}

/// Three digits; what is below 200 never ends an exchange.
fn status(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    let status = text.parse().ok().filter(|_| digits)?;
    (200..=999).contains(&status).then_some(status)
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match range.start() == range.end() {
                true => write!(f, "{comma}{}", range.start())?,
                false => write!(f, "{comma}{}-{}", range.start(), range.end())?,
            }
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Statuses {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Statuses {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_they_are_written() {
        for text in ["200", "200-399", "200,204,300-399", "404,200", "200-200"] {
            let read: Statuses = text.parse().unwrap();
            assert_eq!(read.to_string(), text.replace("200-200", "200"));
        }
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for text in [
            "", "20", "2000", "100", "abc", "399-200", "200,", "200-", "-200", "2xx", "+20",
            "200 204",
        ] {
            let refused = text.parse::<Statuses>().unwrap_err();
            assert_eq!(refused, format!("invalid status \"{text}\""));
        }
    }
}
