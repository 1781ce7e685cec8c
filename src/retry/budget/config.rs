/// A [`Budget`](super::Budget) as a plain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct BudgetConfig {
    /// Retries for every hundred requests, default 20.
    pub percent: u32,
    /// Retries per second on top, default 10; ten seconds' worth may come at once. At least 1: with
    /// nothing to borrow from, a retry would have to wait for requests that pay for it in advance.
    pub per_second: u32,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            percent: 20,
            per_second: 10,
        }
    }
}

impl BudgetConfig {
    /// Every reason why a budget of these numbers would not do what it seems to say.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.per_second == 0 {
            problems.push(format!(
                "invalid retry budget \"{}% + 0/s\": at least 1 per second, or no retry comes through",
                self.percent
            ));
        }
        problems
    }
}

/// A [`Budget`](super::Budget) at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// Retries that would be granted now.
    pub available: u64,
    /// Retries granted so far.
    pub withdrawn: u64,
    /// Retries refused so far.
    pub refused: u64,
}
