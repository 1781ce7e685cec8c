use std::collections::HashMap;
use std::fmt;

use super::Place;
use crate::upstream::config::ConfigError;

/// How bad a [`Problem`] is, in the words of NGINX's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration can be used, yet does not say what its author thinks.
    Warn,
    /// The configuration cannot be used.
    Emerg,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warn => "warn",
            Self::Emerg => "emerg",
        })
    }
}

/// One thing wrong with a configuration. Displays as NGINX prints it: `[emerg] MESSAGE in PLACE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// How bad.
    pub severity: Severity,
    /// What, in NGINX's words where it has them.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} in {}", self.severity, self.message, self.place)
    }
}

/// Everything wrong with a configuration, collected while reading goes on.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An error: the configuration cannot be used.
    pub fn push(&mut self, place: &Place, message: impl Into<String>) {
        self.add(place, Severity::Emerg, message.into());
    }

    /// A warning.
    pub fn warn(&mut self, place: &Place, message: impl Into<String>) {
        self.add(place, Severity::Warn, message.into());
    }

    fn add(&mut self, place: &Place, severity: Severity, message: String) {
        self.list.push(Problem {
            place: place.clone(),
            severity,
            message,
        });
    }

    /// Takes over those of another collector.
    pub fn extend(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Neither errors nor warnings.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Errors and warnings together.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Emerg)
    }

    /// In the order they were found, or of their places after [`sort`](Self::sort).
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Orders them by place; files keep the order in which they first had a problem.
    pub fn sort(&mut self) {
        let mut files = HashMap::new();
        for problem in &self.list {
            let next = files.len();
            files.entry(problem.place.file.clone()).or_insert(next);
        }
        self.list.sort_by_key(|p| {
            let file = files.get(&p.place.file).copied();
            (file, p.place.line, p.place.column)
        });
    }

    /// The errors as one value, `PLACE: MESSAGE` each. Warnings are not among them.
    pub fn into_error(mut self) -> ConfigError {
        self.sort();
        let errors = self.list.iter().filter(|p| p.severity == Severity::Emerg);
        ConfigError::new(
            errors
                .map(|p| format!("{}: {}", p.place, p.message))
                .collect(),
        )
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: u32) -> Place {
        Place {
            file: file.into(),
            line,
            column: 7,
        }
    }

    #[test]
    fn sorting_keeps_files_apart_and_lines_in_order() {
        let mut problems = Problems::new();
        problems.push(&at("b", 9), "one");
        problems.warn(&at("a", 5), "two");
        problems.push(&at("b", 2), "three");
        problems.sort();
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            lines,
            [
                "[emerg] three in b:2:7",
                "[emerg] one in b:9:7",
                "[warn] two in a:5:7"
            ]
        );
    }

    #[test]
    fn warnings_alone_are_no_error() {
        let mut problems = Problems::new();
        problems.warn(&at("a", 1), "hm");
        assert!(!problems.has_errors());
        assert!(!problems.is_empty());
        assert!(problems.into_error().problems().is_empty());
    }
}
