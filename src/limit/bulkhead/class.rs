use std::fmt;
use std::str::FromStr;

/// How much a request matters, least first: the four classes of criticality that Google's services
/// tell each other (Site Reliability Engineering, chapter 21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Class {
    /// May fail often, and will be tried again some time.
    Sheddable,
    /// May fail now and then: batch jobs.
    SheddablePlus,
    /// A user notices if it fails. What says nothing of itself is this.
    #[default]
    Critical,
    /// Users suffer if it fails.
    CriticalPlus,
}

impl Class {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [
        Self::Sheddable,
        Self::SheddablePlus,
        Self::Critical,
        Self::CriticalPlus,
    ];

    /// As it is written in a header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sheddable => "sheddable",
            Self::SheddablePlus => "sheddable-plus",
            Self::Critical => "critical",
            Self::CriticalPlus => "critical-plus",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownClass;

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no class of criticality")
    }
}

impl std::error::Error for UnknownClass {}

impl FromStr for Class {
    type Err = UnknownClass;

    /// In upper or lower case, with `-` or `_`.
    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        let same = |class: &Self| {
            let text = text.bytes().map(|b| match b {
                b'_' => b'-',
                b => b.to_ascii_lowercase(),
            });
            text.eq(class.as_str().bytes())
        };
        Self::ALL.into_iter().find(same).ok_or(UnknownClass)
    }
}

/// How far each class may fill a limit, in percent: who is shed first.
///
/// A request is let through while fewer are being served than its class's share of the limit, rounded
/// up. As the limit fills, the lowest class meets its share first; what is left above it is for those
/// that matter more.
///
/// | class | default | of a limit of 20 |
/// | --- | --- | --- |
/// | critical-plus | 100 | 20 |
/// | critical | 90 | 18 |
/// | sheddable-plus | 75 | 15 |
/// | sheddable | 50 | 10 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Shares {
    /// Default 100.
    pub critical_plus: u32,
    /// Default 90.
    pub critical: u32,
    /// Default 75.
    pub sheddable_plus: u32,
    /// Default 50.
    pub sheddable: u32,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            critical_plus: 100,
            critical: 90,
            sheddable_plus: 75,
            sheddable: 50,
        }
    }
}

impl Shares {
    /// Every class may fill all of it.
    pub(super) const WHOLE: Self = Self {
        critical_plus: 100,
        critical: 100,
        sheddable_plus: 100,
        sheddable: 100,
    };

    fn of(&self, class: Class) -> u32 {
        match class {
            Class::Sheddable => self.sheddable,
            Class::SheddablePlus => self.sheddable_plus,
            Class::Critical => self.critical,
            Class::CriticalPlus => self.critical_plus,
        }
    }

    /// How many may be served when one more of `class` comes, itself among them.
    pub fn limit(&self, class: Class, limit: usize) -> usize {
        let share = self.of(class) as u128 * limit as u128;
        usize::try_from(share.div_ceil(100)).map_or(limit, |share| share.min(limit))
    }

    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for class in Class::ALL {
            if !(1..=100).contains(&self.of(class)) {
                problems.push(format!("share of {class}={}: 1 to 100", self.of(class)));
            }
        }
        for pair in Class::ALL.windows(2) {
            if self.of(pair[0]) > self.of(pair[1]) {
                problems.push(format!("{} has a larger share than {}", pair[0], pair[1]));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_limit_round_up() {
        let of = |limit| Class::ALL.map(|class| Shares::default().limit(class, limit));
        assert_eq!(of(20), [10, 15, 18, 20]);
        assert_eq!(of(10), [5, 8, 9, 10]);
        assert_eq!(of(1), [1, 1, 1, 1]);
        assert_eq!(of(0), [0, 0, 0, 0]);
        assert_eq!(of(usize::MAX)[3], usize::MAX);
    }

    #[test]
    fn classes_are_read_as_they_are_written() {
        for class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert_eq!("CRITICAL_PLUS".parse(), Ok(Class::CriticalPlus));
        assert_eq!("urgent".parse::<Class>(), Err(UnknownClass));
    }

    #[test]
    fn shares_that_turn_the_order_around_are_problems() {
        assert!(Shares::default().problems().is_empty());
        let shares = Shares {
            critical: 40,
            sheddable: 0,
            ..Shares::default()
        };
        let said = shares.problems().join("; ");
        assert_eq!(
            said,
            "share of sheddable=0: 1 to 100; sheddable-plus has a larger share than critical"
        );
    }
}
