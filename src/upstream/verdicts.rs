use std::collections::HashMap;

/// What active checks say of a group's servers, kept for peers that come to be later: those of another
/// worker, and newcomers.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    known: HashMap<String, bool>,
    /// Nobody is well before it was looked at.
    mandatory: bool,
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

    /// Nothing is known any more.
    pub(super) fn start(&mut self, mandatory: bool) {
        self.known.clear();
        self.mandatory = mandatory;
    }
}
