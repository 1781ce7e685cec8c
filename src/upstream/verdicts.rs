use std::collections::HashMap;

/// What active checks say of a group's servers, kept for peers that come to be later: those of another
/// worker, and newcomers.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts {
    known: HashMap<String, bool>,
    /// Nobody is well before it was looked at.
    mandatory: bool,
    /// Who says so: one checks at a time, the latest.
    checker: u64,
}

impl Verdicts {
    /// `None`: nothing is known, and nothing needs to be.
    pub(super) fn of(&self, address: &str) -> Option<bool> {
        let known = self.known.get(address).copied();
        known.or(self.mandatory.then_some(false))
    }

    /// It was said before.
    pub(super) fn says(&self, address: &str, healthy: bool) -> bool {
        self.known.get(address) == Some(&healthy)
    }

    pub(super) fn set(&mut self, address: &str, healthy: bool) {
        self.known.insert(address.to_owned(), healthy);
    }

    /// Those who are gone are forgotten.
    pub(super) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.known.retain(|address, _| stays(address));
    }

    /// Somebody checks from now on, in the place of whoever did. Their number.
    pub(super) fn begin(&mut self, mandatory: bool) -> u64 {
        self.mandatory = mandatory;
        self.checker += 1;
        self.checker
    }

    /// Whether it is still for this one to say.
    pub(super) fn is_from(&self, checker: u64) -> bool {
        self.checker == checker
    }

    /// Nobody checks any more, so nothing is known.
    pub(super) fn end(&mut self) {
        self.known.clear();
        self.mandatory = false;
    }

    /// What was known of those who stay.
    pub(super) fn inherit(&mut self, before: Self, stays: impl Fn(&str) -> bool) {
        self.known = before.known;
        self.retain(stays);
    }
}
