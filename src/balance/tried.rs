/// Which peers a request has asked, by their slots: a bit each, on the heap only past 64.
#[derive(Clone, Debug, Default)]
pub(super) struct Tried {
    first: u64,
    rest: Vec<u64>,
}

impl Tried {
    pub(super) fn is_empty(&self) -> bool {
        self.first == 0 && self.rest.is_empty()
    }

    pub(super) fn contains(&self, slot: usize) -> bool {
        let bits = match slot / 64 {
            0 => self.first,
            word => self.rest.get(word - 1).copied().unwrap_or(0),
        };
        bits >> (slot % 64) & 1 == 1
    }

    pub(super) fn insert(&mut self, slot: usize) {
        match slot / 64 {
            0 => self.first |= 1 << slot,
            word => {
                if self.rest.len() < word {
                    self.rest.resize(word, 0);
                }
                self.rest[word - 1] |= 1 << (slot % 64);
            }
        }
    }

    pub(super) fn remove(&mut self, slot: usize) {
        match slot / 64 {
            0 => self.first &= !(1 << slot),
            word => {
                if let Some(bits) = self.rest.get_mut(word - 1) {
                    *bits &= !(1 << (slot % 64));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_its_own() {
        let mut tried = Tried::default();
        let slots = [0, 63, 64, 127, 128, 500];
        for slot in slots {
            assert!(!tried.contains(slot));
            tried.insert(slot);
            assert!(tried.contains(slot));
            assert!(!tried.contains(slot + 1));
        }
        slots.iter().for_each(|slot| tried.remove(*slot));
        assert!((0..600).all(|slot| !tried.contains(slot)));
    }
}
